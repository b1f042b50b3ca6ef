"""Executes a command: validate, change state, publish, respond.

One transaction changes the state and stores the event and the result. Then the handler publishes
the event and returns the result. If the process dies in between, the relay publishes the event
(`relay.py`), and a repeated request gets the stored result. If the process is suspended, no other
worker touches its events until it continues (`storage/ownership.py`).
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
from headcount_service.game import lease
from headcount_service.game.domain_events import DomainEvent
from headcount_service.game.rules import NOT_FOUND
from headcount_service.game.storage import idempotency, outbox
from headcount_service.game.storage.database import StateDatabase
from headcount_service.game.storage.idempotency import CommandResult, Identity
from headcount_service.game.storage.outbox import (
    EarlierEventUnpublished,
    OutboxEntry,
    RepeatedEventUnpublished,
)
from headcount_service.game.storage.ownership import Sending
from headcount_service.game.storage.state import lock_player
from headcount_service.publish.events import Event, encode_event
from headcount_service.publish.protocols import EventPublisher, RecordPosition
from headcount_service.settings import Settings

log = logging.getLogger(__name__)

EARLIER_POLL_S = 0.01
_PENDING = "The first request with this X-Event-Id made the change; its event will be published."
_RECORD_OVERHEAD_BYTES = 512  # more than batch, record and key add to the event's own bytes

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
    parameters: Mapping[str, Any]
    identity: Identity | None
    make_event: Callable[[DomainEvent], Event]


@dataclass(frozen=True, slots=True)
class _Committed:
    """The result of a transaction, and the event to publish, if any."""

    result: CommandResult
    new_event: "_NewEvent | None"


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
        self._lease_ms = lease.lease_ms(settings)

    def execute(self, request: CommandRequest) -> CommandResult:
        """Execute a command, and return its result once its event is acknowledged.

        Raises:
            RequestError: The request is invalid; nothing was changed.
            NotPublished: Nothing was changed, and nothing published.
            OutcomeUnknown: The state may have changed; if so, the event will be published.
        """
        if not self._publisher.is_open():
            return self._repeat(request.identity)
        committed = self._commit(request)
        if committed.new_event is None:
            return committed.result
        place = self._publish(committed.new_event)
        return CommandResult(committed.result.status, committed.result.body, place)

    def _repeat(self, identity: Identity | None) -> CommandResult:
        """Return the stored result of a repeated request. Raises NotPublished if it is new."""
        if identity is not None:
            try:
                stored = self._database.look(
                    lambda connection: idempotency.stored_result(connection, identity)
                )
            except RepeatedEventUnpublished:
                raise OutcomeUnknown(_PENDING) from None
            if stored is not None:
                return stored
        raise NotPublished("The broker cannot be reached.")

    def _commit(self, request: CommandRequest) -> _Committed:
        """Change the state once all earlier events of the player are published."""
        deadline = time.monotonic() + self._settings.ack_timeout_s
        overdue: PublishError
        while True:
            try:
                return self._change(request)
            except RepeatedEventUnpublished:
                overdue = OutcomeUnknown(_PENDING)
            except EarlierEventUnpublished:
                overdue = NotPublished("An earlier event of the player has not been published yet.")
            if time.monotonic() >= deadline:
                raise overdue
            time.sleep(EARLIER_POLL_S)

    def _change(self, request: CommandRequest) -> _Committed:
        """Change the state; end every `Sending` but that of the event to publish.

        `StateDatabase.change` may try the transaction several times, and each try can begin a
        `Sending`. Only that of the committed try is still needed, if there is one.
        """
        sendings: list[Sending] = []
        kept: Sending | None = None
        try:
            committed = self._database.change(
                functools.partial(self._run_transaction, request, sendings)
            )
            kept = None if committed.new_event is None else committed.new_event.sending
        finally:
            for sending in sendings:
                if sending is not kept:
                    sending.end()
        return committed

    def _run_transaction(
        self, request: CommandRequest, sendings: list[Sending], connection: Connection
    ) -> _Committed:
        identity = request.identity
        if identity is not None and (stored := idempotency.stored_result(connection, identity)):
            return _Committed(stored, None)
        new_event: _NewEvent | None
        try:
            result, new_event = self._run_rule(request, sendings, connection)
        except Refused as refusal:
            if identity is None:
                raise
            result, new_event = idempotency.refusal_result(refusal), None
        if identity is not None:
            number = None if new_event is None else new_event.entry.number
            idempotency.store_result(connection, identity, result, number)
        return _Committed(result, new_event)

    def _run_rule(
        self, request: CommandRequest, sendings: list[Sending], connection: Connection
    ) -> tuple[CommandResult, _NewEvent]:
        player_id = request.parameters["player_id"]
        player = lock_player(connection, player_id)
        if player is not None:
            outbox.check_published(connection, player_id)
        elif request.command.is_by_player:
            raise Refused(NOT_FOUND, f"There is no player {player_id!r}.")
        domain_event = request.command.rule(connection, player, request.parameters)
        event = request.make_event(domain_event)
        self._check_size(event)
        owner, now_s = self._ownership.number, time.monotonic()
        entry = outbox.add(
            connection,
            domain_event,
            event,
            event_id=None if request.identity is None else request.identity.event_id,
            owner=owner,
            lease_ms=self._lease_ms,
        )
        # Begin it before the commit: once the event is committed and not known to be in flight, the
        # relay could mistake it for an abandoned one.
        sendings.append(self._ownership.in_flight.begin(entry.number))
        new_event = _NewEvent(entry, owner, sendings[-1], now_s + lease.MARGIN_S)
        return CommandResult(request.command.status, domain_event.fields), new_event

    def _check_size(self, event: Event) -> None:
        # Refuse it before the commit: Kafka would reject it only after the state has changed.
        size = len(encode_event(event)) + _RECORD_OVERHEAD_BYTES
        if size > self._settings.max_event_bytes:
            raise RecordTooLarge("The event is too large.")

    def _publish(self, new_event: _NewEvent) -> RecordPosition | None:
        entry = new_event.entry
        is_over: Callable[[], bool] | None = None
        try:
            self._check_lease(new_event)
            place = self._publisher.publish(entry.event, entry.player_id)
            self._mark(entry, place)
        except OutcomeUnknown as error:
            is_over = error.is_over
            raise OutcomeUnknown("The change is made, and its event will be published.") from error
        except PublishError as error:
            raise OutcomeUnknown("The change is made, and its event will be published.") from error
        finally:
            new_event.sending.end(is_over)
        return place

    def _check_lease(self, new_event: _NewEvent) -> None:
        """Renew an old lease. Raises OutcomeUnknown if another worker owns the event."""
        if time.monotonic() < new_event.renew_after_s:
            return
        number, owner = new_event.entry.number, new_event.owner
        if not self._database.change(
            lambda connection: outbox.renew(connection, number, owner, self._lease_ms)
        ):
            raise OutcomeUnknown("Another worker will publish the event.")

    def _mark(self, entry: OutboxEntry, place: RecordPosition | None) -> None:
        try:
            self._database.change(
                lambda connection: outbox.mark_published(connection, [(entry, place)])
            )
        except PublishError as error:
            log.warning(
                "event %d is published, but not marked as published: %s", entry.number, error
            )
