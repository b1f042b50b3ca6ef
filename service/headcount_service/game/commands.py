"""Play: takes an act of a player from what was asked for to what is told.

In one transaction the state is changed, and event and answer are written. Then the event is
published, and what was done is told. In between, or in place of the second, the process may die:
the relay publishes the event then (`relay.py`), and a repeated request hears the first answer. It
may also be stopped, and go on later: until it does, its events are left alone (`ownership.py`).
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
from headcount_service.publish.publisher import EventPublisher, RecordPosition
from headcount_service.settings import Settings

log = logging.getLogger(__name__)

EARLIER_POLL_S = 0.01
LEASE_MARGIN_S = 5.0
_RECORD_OVERHEAD_BYTES = 512  # more than Kafka's batch, record and key need

Rule = Callable[[Connection, Any, Mapping[str, Any]], DomainEvent]


@dataclass(frozen=True, slots=True)
class Command:
    """One act of a player: its rule, and what a good answer to it is called."""

    name: str
    rule: Rule
    status: int
    is_by_player: bool = True


@dataclass(frozen=True, slots=True)
class CommandRequest:
    """A request for an act: what was asked for, by whom, and how its event is made."""

    command: Command
    asked: Mapping[str, Any]
    identity: Identity | None
    make_event: Callable[[DomainEvent], Event]


@dataclass(frozen=True, slots=True)
class _Committed:
    """What a transaction did: the answer, and the event that is still to be published."""

    answer: CommandResult
    made: "_NewEvent | None"


@dataclass(frozen=True, slots=True)
class _NewEvent:
    """An event that this process has made, and is to send."""

    entry: OutboxEntry
    owner: int
    sending: Sending
    renew_after_s: float


class CommandHandler:
    """Does acts, in any number of threads."""

    def __init__(
        self, settings: Settings, database: StateDatabase, publisher: EventPublisher
    ) -> None:
        self._settings = settings
        self._database = database
        self._publisher = publisher
        self._ownership = database.ownership
        self._lease_ms = lease_ms(settings)

    def do(self, wish: CommandRequest) -> CommandResult:
        """Do what is wished for, and return what is to be told, once its event is acknowledged.

        Raises:
            RequestError: The request cannot be answered; nothing was changed.
            NotPublished: Nothing was changed, and nothing published.
            OutcomeUnknown: It is or may be done, and its event is or will be published.
        """
        if not self._publisher.is_open():
            raise NotPublished("The broker cannot be reached.")
        done = self._commit(wish)
        if done.made is None:
            return done.answer
        place = self._publish(done.made)
        return CommandResult(done.answer.status, done.answer.body, place)

    def _commit(self, wish: CommandRequest) -> _Committed:
        """Change the state, once no earlier event of the player waits to be published."""
        deadline = time.monotonic() + self._settings.ack_timeout_s
        while True:
            try:
                return self._changed(wish)
            except EarlierEventUnpublished:
                if time.monotonic() >= deadline:
                    raise NotPublished(
                        "An earlier event of the player has not been published yet."
                    ) from None
                time.sleep(EARLIER_POLL_S)

    def _changed(self, wish: CommandRequest) -> _Committed:
        """Change the state, or not; what was written and rolled back is nothing to send."""
        begun: list[Sending] = []
        kept: Sending | None = None
        try:
            done = self._database.change(functools.partial(self._change, wish, begun))
            kept = None if done.made is None else done.made.sending
        finally:
            for sending in begun:
                if sending is not kept:
                    sending.end()
        return done

    def _change(
        self, wish: CommandRequest, begun: list[Sending], connection: Connection
    ) -> _Committed:
        identity = wish.identity
        if identity is not None and (before := idempotency.stored_result(connection, identity)):
            return _Committed(before, None)
        try:
            answer, made = self._acted(wish, begun, connection)
        except Refused as refusal:
            if identity is None:
                raise
            answer, made = idempotency.refusal_result(refusal), None
        if identity is not None:
            number = None if made is None else made.entry.number
            idempotency.store_result(connection, identity, answer, number)
        return _Committed(answer, made)

    def _acted(
        self, wish: CommandRequest, begun: list[Sending], connection: Connection
    ) -> tuple[CommandResult, _NewEvent]:
        player_id = wish.asked["player_id"]
        player = lock_player(connection, player_id)
        if player is not None:
            outbox.check_published(connection, player_id)
        elif wish.command.is_by_player:
            raise Refused(NOT_FOUND, f"There is no player {player_id!r}.")
        happening = wish.command.rule(connection, player, wish.asked)
        event = wish.make_event(happening)
        self._check_size(event)
        owner, now_s = self._ownership.number, time.monotonic()
        entry = outbox.add(
            connection,
            happening,
            event,
            event_id=None if wish.identity is None else wish.identity.event_id,
            owner=owner,
            lease_ms=self._lease_ms,
        )
        # Before the commit: from that on the relay would take it for one that nobody sends.
        begun.append(self._ownership.in_flight.begin(entry.number))
        made = _NewEvent(entry, owner, begun[-1], now_s + LEASE_MARGIN_S)
        return CommandResult(wish.command.status, happening.fields), made

    def _check_size(self, event: Event) -> None:
        # Kafka would refuse it only when the state has changed.
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
            raise OutcomeUnknown("It is done, and its event will be published.") from error
        except PublishError as error:
            raise OutcomeUnknown("It is done, and its event will be published.") from error
        finally:
            made.sending.end(is_over)
        return place

    def _check_lease(self, made: _NewEvent) -> None:
        """Renew the lease if the commit is long ago. Raises OutcomeUnknown if another has it."""
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
            log.warning("event %d is published and not marked: %s", entry.number, error)


def lease_ms(settings: Settings) -> int:
    """How long an event is its maker's to publish: longer than its producer may hold it."""
    return round(1000 * (settings.ack_timeout_s + LEASE_MARGIN_S))
