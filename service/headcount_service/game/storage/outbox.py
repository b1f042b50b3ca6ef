"""The outbox: the transaction that changes the state stores the event, to be published afterwards.

The worker that creates an event owns and leases it: no other worker publishes it while that process
lives (`ownership.py`). The lease is longer than the producer's time-out, and the database's clock
decides when it ends. Until then no other worker may publish the event, even if the owner wrongly
appears to be dead. The owner renews the lease before it publishes an old event. A player has at
most one unpublished event; the next command waits, so that a player's events are in the topic in
order.
"""

import json
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import (
    ColumnElement,
    Connection,
    func,
    insert,
    literal_column,
    or_,
    select,
    text,
    update,
)

from headcount_service.errors import ServiceError
from headcount_service.game.domain_events import DomainEvent
from headcount_service.game.storage.tables import event_lines, events
from headcount_service.publish.events import Event, encode_event
from headcount_service.publish.protocols import RecordPosition

RECEIPT = "receipt"
_WRITING = 0x6576656E7473
"""The key of the PostgreSQL advisory lock that writers of events share; an arbitrary number."""

_NOW_MS = {
    "sqlite": "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
    "postgresql": "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)",
}
TAKE_OVER_BATCH = 200


class EarlierEventUnpublished(ServiceError):  # noqa: N818 - a temporary state, not an error
    """An earlier event of the player is not in the topic yet."""


class RepeatedEventUnpublished(EarlierEventUnpublished):
    """The request is a repetition, and the event of the first request is not published yet."""


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """An event to publish."""

    number: int
    player_id: str
    value: str
    at_ms: int

    @property
    def event(self) -> Event:
        """The event for the topic."""
        content: Event = json.loads(self.value)
        return content

    @property
    def receipt(self) -> str:
        """The event's unique id in the topic."""
        return str(self.event[RECEIPT])


def now_ms() -> int:
    """Return the Unix time in ms, as the tables store it."""
    return time.time_ns() // 1_000_000


def _database_ms(connection: Connection) -> ColumnElement[int]:
    """The time by the database's clock, which all workers share."""
    return literal_column(_NOW_MS[connection.dialect.name])


def check_published(connection: Connection, player_id: str) -> None:
    """Raise EarlierEventUnpublished if the player has an unpublished event."""
    query = select(events.c.id).where(
        events.c.player_id == player_id, events.c.leased_until_ms.is_not(None)
    )
    if connection.execute(query.limit(1)).first() is not None:
        raise EarlierEventUnpublished


def add(
    connection: Connection,
    domain_event: DomainEvent,
    event: Event,
    *,
    event_id: str | None,
    owner: int,
    lease_ms: int,
) -> OutboxEntry:
    """Store an event, owned and leased by `owner`."""
    at_ms, value = now_ms(), encode_event(event).decode()
    _lock_shared(connection)
    number = connection.execute(
        insert(events)
        .values(
            event_id=event_id,
            event_type=domain_event.event_type,
            player_id=domain_event.player_id,
            guild=getattr(domain_event, "guild", None),
            at_ms=at_ms,
            value=value,
            leased_until_ms=_database_ms(connection) + lease_ms,
            owner=owner,
        )
        .returning(events.c.id)
    ).scalar_one()
    lines = [
        {
            "event": number,
            "variant": line.variant,
            "item": line.item,
            "attributes": dict(line.attributes),
            "quantity": line.quantity,
            "unit_price": line.unit_price,
        }
        for line in domain_event.bought
    ]
    if lines:
        connection.execute(insert(event_lines), lines)
    return OutboxEntry(number, domain_event.player_id, value, at_ms)


def _lock_shared(connection: Connection) -> None:
    """Make `last_visible` wait until this transaction, which stores an event, has ended."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock_shared({_WRITING})"))


def last_visible(connection: Connection) -> int:
    """Return a number such that all events up to it are visible from now on.

    PostgreSQL assigns numbers before the commit, so a lower one may be committed after a higher
    one. Writers of events therefore hold a lock, and this function waits for them. SQLite has only
    one writer.
    """
    last = select(func.coalesce(func.max(events.c.id), 0))
    if connection.dialect.name != "postgresql":
        return int(connection.execute(last).scalar_one())
    connection.execute(text(f"SELECT pg_advisory_lock({_WRITING})"))
    try:
        return int(connection.execute(last).scalar_one())
    finally:
        connection.execute(text(f"SELECT pg_advisory_unlock({_WRITING})"))


def overdue_owners(connection: Connection) -> list[int | None]:
    """Return the owners of unpublished events whose leases have expired."""
    query = select(events.c.owner).where(*_overdue(connection))
    return list(connection.execute(query.distinct()).scalars())


def _overdue(connection: Connection) -> tuple[ColumnElement[bool], ...]:
    """Return conditions for expired leases; the first one lets the query use the partial index."""
    leased_until_ms = events.c.leased_until_ms
    return leased_until_ms.is_not(None), leased_until_ms < _database_ms(connection)


def take_over(
    connection: Connection,
    dead_owners: Collection[int | None],
    owner: int,
    excluded: Collection[int],
    lease_ms: int,
) -> list[OutboxEntry]:
    """Take over events with expired leases for `owner`, lease them anew, and return them.

    These are `owner`'s own events, those of dead owners and those without an owner, but none whose
    number is in `excluded`; at most `TAKE_OVER_BATCH` at a time.
    """
    known = [dead_owner for dead_owner in dead_owners if dead_owner is not None]
    is_available = or_(events.c.owner.is_(None), events.c.owner.in_([owner, *known]))
    query = (
        select(events.c.id, events.c.player_id, events.c.value, events.c.at_ms)
        .where(*_overdue(connection), is_available, events.c.id.not_in(excluded))
        .order_by(events.c.id)
        .limit(TAKE_OVER_BATCH)
        .with_for_update(skip_locked=True)
    )
    overdue = [OutboxEntry(*row) for row in connection.execute(query)]
    if overdue:
        numbers = [entry.number for entry in overdue]
        leased_until_ms = _database_ms(connection) + lease_ms
        taken_over = update(events).where(events.c.id.in_(numbers))
        connection.execute(taken_over.values(owner=owner, leased_until_ms=leased_until_ms))
    return overdue


def due(connection: Connection, owner: int, numbers: Collection[int]) -> set[int]:
    """Return which of the events belong to `owner` and have expired leases."""
    query = select(events.c.id).where(
        events.c.id.in_(numbers),
        events.c.owner == owner,
        events.c.leased_until_ms < _database_ms(connection),
    )
    return set(connection.execute(query).scalars())


def renew(connection: Connection, number: int, owner: int, lease_ms: int) -> bool:
    """Renew the lease on an event; return False if it is published or has another owner."""
    renewed = (
        update(events)
        .where(
            events.c.id == number, events.c.owner == owner, events.c.leased_until_ms.is_not(None)
        )
        .values(leased_until_ms=_database_ms(connection) + lease_ms)
    )
    return connection.execute(renewed).rowcount == 1


def mark_published(
    connection: Connection, places: Iterable[tuple[OutboxEntry, RecordPosition | None]]
) -> None:
    """Mark events as published, with their places if known."""
    for entry, place in places:
        connection.execute(
            update(events)
            .where(events.c.id == entry.number)
            .values(
                leased_until_ms=None,
                topic_partition=None if place is None else place.partition,
                topic_offset=None if place is None else place.offset,
            )
        )
