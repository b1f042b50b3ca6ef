"""Executes a command: validate, change state, publish, respond.

One transaction changes the state and stores the event and the result. Then the event is published
and the result returned. If the process dies in between, the relay publishes the event (`relay.py`),
and a repeated request gets the stored result. If the process is suspended, nobody else touches its
events until it continues (`ownership.py`).
"""

import functools
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from headcount_service.errors import (
    NotPublished,
    OutcomeUnknown,
    PublishError,
    RecordTooLarge,
    Refused,
)
from headcount_service.game import idempotency, outbox
from headcount_service.game.database import StateDatabase
from headcount_service.game.domain_events import DomainEvent
from headcount_service.game.idempotency import CommandResult, Identity
from headcount_service.game.outbox import EarlierEventUnpublished, OutboxEntry
from headcount_service.game.ownership import Sending
from headcount_service.game.rules import NOT_FOUND
from headcount_service.game.state import lock_player
from headcount_service.publish.events import Event, encode_event
from headcount_service.publish.protocols import EventPublisher, RecordPosition
from headcount_service.settings import Settings

log = logging.getLogger(__name__)

EARLIER_POLL_S = 0.01
LEASE_MARGIN_S = 5.0
_RECORD_OVERHEAD_BYTES = 512  # more than Kafka's batch, record and key need

Rule = Callable[[Connection, Any, Mapping[str, Any]], DomainEvent]


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a player: its rule, and the status of a successful response."""

    name: str
    rule: Rule
    status: int
    is_by_player: bool = True


@dataclass(frozen=True, slots=True)
class CommandRequest:
    """A request to execute a command: its parameters, identity and event factory."""

    command: Command
    asked: Mapping[str, Any]
    identity: Identity | None
    make_event: Callable[[DomainEvent], Event]


@dataclass(frozen=True, slots=True)
class _Committed:
    """The result of a transaction, and the event to publish, if any."""

    answer: CommandResult
    made: "_NewEvent | None"


@dataclass(frozen=True, slots=True)
class _NewEvent:
    """An event that this process created and must publish."""

    entry: OutboxEntry
    owner: int
    sending: Sending
    renew_after_s: float


class CommandHandler:
    """Executes commands; safe to share among threads."""

    def __init__(
        self, settings: Settings, database: StateDatabase, publisher: EventPublisher
    ) -> None:
        self._settings = settings
        self._database = database
        self._publisher = publisher
        self._ownership = database.ownership
        self._lease_ms = lease_ms(settings)

    def execute(self, request: CommandRequest) -> CommandResult:
        """Execute a command, and return its result once its event is acknowledged.

        Raises:
            RequestError: The request is invalid; nothing was changed.
            NotPublished: Nothing was changed, and nothing published.
            OutcomeUnknown: The change may be done; if it is, its event will be published.
        """
        if not self._publisher.is_open():
            raise NotPublished("The broker cannot be reached.")
        done = self._commit(request)
        if done.made is None:
            return done.answer
        place = self._publish(done.made)
        return CommandResult(done.answer.status, done.answer.body, place)

    def _commit(self, request: CommandRequest) -> _Committed:
        """Change the state, after all earlier events of the player are published."""
        deadline = time.monotonic() + self._settings.ack_timeout_s
        while True:
            try:
                return self._changed(request)
            except EarlierEventUnpublished:
                if time.monotonic() >= deadline:
                    raise NotPublished(
                        "An earlier event of the player has not been published yet."
                    ) from None
                time.sleep(EARLIER_POLL_S)

    def _changed(self, request: CommandRequest) -> _Committed:
        """Change the state; forget the events of transactions that were rolled back."""
        begun: list[Sending] = []
        kept: Sending | None = None
        try:
            done = self._database.change(functools.partial(self._change, request, begun))
            kept = None if done.made is None else done.made.sending
        finally:
            for sending in begun:
                if sending is not kept:
                    sending.end()
        return done

    def _change(
        self, request: CommandRequest, begun: list[Sending], connection: Connection
    ) -> _Committed:
        identity = request.identity
        if identity is not None and (before := idempotency.stored_result(connection, identity)):
            return _Committed(before, None)
        try:
            answer, made = self._run_rule(request, begun, connection)
        except Refused as refusal:
            if identity is None:
                raise
            answer, made = idempotency.refusal_result(refusal), None
        if identity is not None:
            number = None if made is None else made.entry.number
            idempotency.store_result(connection, identity, answer, number)
        return _Committed(answer, made)

    def _run_rule(
        self, request: CommandRequest, begun: list[Sending], connection: Connection
    ) -> tuple[CommandResult, _NewEvent]:
        player_id = request.asked["player_id"]
        player = lock_player(connection, player_id)
        if player is not None:
            outbox.check_published(connection, player_id)
        elif request.command.is_by_player:
            raise Refused(NOT_FOUND, f"There is no player {player_id!r}.")
        event_fields = request.command.rule(connection, player, request.asked)
        event = request.make_event(event_fields)
        self._check_size(event)
        owner, now_s = self._ownership.number, time.monotonic()
        entry = outbox.add(
            connection,
            event_fields,
            event,
            event_id=None if request.identity is None else request.identity.event_id,
            owner=owner,
            lease_ms=self._lease_ms,
        )
        # Before the commit: after it, the relay could take the event for an abandoned one.
        begun.append(self._ownership.in_flight.begin(entry.number))
        made = _NewEvent(entry, owner, begun[-1], now_s + LEASE_MARGIN_S)
        return CommandResult(request.command.status, event_fields.fields), made

    def _check_size(self, event: Event) -> None:
        # Kafka would refuse the event only after the state has changed.
        size = len(encode_event(event)) + _RECORD_OVERHEAD_BYTES
        if size > self._settings.max_event_bytes:
            raise RecordTooLarge("The event is too large.")

    def _publish(self, made: _NewEvent) -> RecordPosition | None:
        is_over: Callable[[], bool] | None = None
        try:
            self._check_lease(made)
            place = self._publisher.publish(made.entry.event, made.entry.player_id)
            self._mark(made.entry, place)
        except OutcomeUnknown as error:
            is_over = error.is_over
            raise OutcomeUnknown("The change is done, and its event will be published.") from error
        except PublishError as error:
            raise OutcomeUnknown("The change is done, and its event will be published.") from error
        finally:
            made.sending.end(is_over)
        return place

    def _check_lease(self, made: _NewEvent) -> None:
        """Renew an old lease. Raises OutcomeUnknown if another worker owns the event."""
        if time.monotonic() < made.renew_after_s:
            return
        number, owner = made.entry.number, made.owner
        if not self._database.change(
            lambda connection: outbox.renew(connection, number, owner, self._lease_ms)
        ):
            raise OutcomeUnknown("Another worker publishes the event.")

    def _mark(self, entry: OutboxEntry, place: RecordPosition | None) -> None:
        try:
            self._database.change(lambda each: outbox.mark_published(each, [(entry, place)]))
        except PublishError as error:
            log.warning("event %d is published but not marked as such: %s", entry.number, error)


def lease_ms(settings: Settings) -> int:
    """Duration of an event's lease: longer than a producer may hold the event."""
    return round(1000 * (settings.ack_timeout_s + LEASE_MARGIN_S))
