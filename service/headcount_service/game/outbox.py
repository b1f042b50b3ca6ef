"""The outbox: events are written in the transaction that changes the state, and published then.

The worker that creates an event owns and leases it: nobody else publishes it while that process
lives (`ownership.py`). The lease, by the database's clock, outlasts the producer's time-out: until
it expires nobody else may publish the event, even if the database wrongly sees its owner as gone.
The owner renews the lease before it publishes an old event. A player has at most one unpublished
event; the next command waits, so that a player's events are in the topic in their order.
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
from headcount_service.game.tables import event_lines, events
from headcount_service.publish.events import Event, encode_event
from headcount_service.publish.protocols import RecordPosition

RECEIPT = "receipt"
_WRITING = 0x6576656E7473
"""PostgreSQL's lock that is shared by who writes events; any number will do."""

_NOW_MS = {
    "sqlite": "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
    "postgresql": "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)",
}
TAKEN_UP_AT_ONCE = 200


class EarlierEventUnpublished(ServiceError):  # noqa: N818 - a state of things, which passes
    """An earlier event of the player is not in the topic yet."""


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """An event that is to be published."""

    number: int
    player_id: str
    value: str
    at_ms: int

    @property
    def event(self) -> Event:
        """What the topic is to hold."""
        content: Event = json.loads(self.value)
        return content

    @property
    def receipt(self) -> str:
        """The event's unique id in the topic."""
        return str(self.event[RECEIPT])


def now_ms() -> int:
    """The time, as the tables have it."""
    return time.time_ns() // 1_000_000


def _database_ms(connection: Connection) -> ColumnElement[int]:
    """The time by the database's clock, which is the same for every worker."""
    return literal_column(_NOW_MS[connection.dialect.name])


def check_published(connection: Connection, player_id: str) -> None:
    """Raise EarlierUnpublished if the player has an event that is not published."""
    query = select(events.c.id).where(
        events.c.player_id == player_id, events.c.leased_until_ms.is_not(None)
    )
    if connection.execute(query.limit(1)).first() is not None:
        raise EarlierEventUnpublished


def add(
    connection: Connection,
    happening: DomainEvent,
    event: Event,
    *,
    event_id: str | None,
    owner: int,
    lease_ms: int,
) -> OutboxEntry:
    """Write an event, which `owner` owns then, and has a lease on."""
    at_ms, value = now_ms(), encode_event(event).decode()
    _await_readers(connection)
    made = connection.execute(
        insert(events)
        .values(
            event_id=event_id,
            event_type=happening.event_type,
            player_id=happening.player_id,
            guild=getattr(happening, "guild", None),
            at_ms=at_ms,
            value=value,
            leased_until_ms=_database_ms(connection) + lease_ms,
            owner=owner,
        )
        .returning(events.c.id)
    ).scalar_one()
    lines = [
        {
            "event": made,
            "variant": line.variant,
            "item": line.item,
            "attributes": dict(line.attributes),
            "quantity": line.quantity,
            "unit_price": line.unit_price,
        }
        for line in happening.bought
    ]
    if lines:
        connection.execute(insert(event_lines), lines)
    return OutboxEntry(made, happening.player_id, value, at_ms)


def _await_readers(connection: Connection) -> None:
    """Let `last_of_all` see that an event is being written, until it is committed."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock_shared({_WRITING})"))


def last_of_all(connection: Connection) -> int:
    """Give the last event's number such that every event up to it is seen from now on.

    PostgreSQL gives numbers before the commits: a lower one may be committed after a higher one. So
    whoever writes an event holds a lock, and here all are waited for. SQLite has but one writer.
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
    """Who owns events that are not published, and whose leases are over."""
    query = select(events.c.owner).where(*_overdue(connection))
    return list(connection.execute(query.distinct()).scalars())


def _overdue(connection: Connection) -> tuple[ColumnElement[bool], ...]:
    """Tell events whose leases are over; the first condition is that of the index of a few."""
    leased_until_ms = events.c.leased_until_ms
    return leased_until_ms.is_not(None), leased_until_ms < _database_ms(connection)


def take_over(
    connection: Connection,
    gone: Collection[int | None],
    owner: int,
    but: Collection[int],
    lease_ms: int,
) -> list[OutboxEntry]:
    """Have `owner` own and lease events whose leases are over: its own, and those of who is gone.

    Those whose numbers are in `but` are left as they are.
    """
    known = [each for each in gone if each is not None]
    whose = or_(events.c.owner.is_(None), events.c.owner.in_([owner, *known]))
    query = (
        select(events.c.id, events.c.player_id, events.c.value, events.c.at_ms)
        .where(*_overdue(connection), whose, events.c.id.not_in(but))
        .order_by(events.c.id)
        .limit(TAKEN_UP_AT_ONCE)
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
    """Which of some events are the owner's, and have leases that are over."""
    query = select(events.c.id).where(
        events.c.id.in_(numbers),
        events.c.owner == owner,
        events.c.leased_until_ms < _database_ms(connection),
    )
    return set(connection.execute(query).scalars())


def renew(connection: Connection, number: int, owner: int, lease_ms: int) -> bool:
    """Renew the lease on an event; return False if it is not the owner's to publish any more."""
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
    """Note that events are in the topic, and where, as far as that is told."""
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
