"""The outbox: events are written in the transaction that changes the state, and published then.

Who makes an event has a lease on it: for so long nobody else publishes it. It ends later than the
producer gives up on the event, so that whoever takes it up then can tell from the topic whether it
was published. A player has at most one unpublished event: what would make a second waits, and so
the events of a player are in the topic in the order in which they happened.
"""

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select, update

from service.errors import ServiceError
from service.events import Event, encode_event
from service.game.happenings import Happening
from service.game.tables import event_lines, events
from service.publisher import Place

RECEIPT = "receipt"
TAKEN_UP_AT_ONCE = 200


class EarlierUnpublished(ServiceError):  # noqa: N818 - a state of things, which passes
    """An earlier event of the player is not in the topic yet."""


@dataclass(frozen=True, slots=True)
class Entry:
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
        """What tells the event from every other in the topic."""
        return str(self.event[RECEIPT])


def now_ms() -> int:
    """The time, as the tables have it."""
    return time.time_ns() // 1_000_000


def check_published(connection: Connection, player_id: str) -> None:
    """Raise EarlierUnpublished if the player has an event that is not published."""
    query = select(events.c.id).where(
        events.c.player_id == player_id, events.c.leased_until_ms.is_not(None)
    )
    if connection.execute(query.limit(1)).first() is not None:
        raise EarlierUnpublished


def add(
    connection: Connection,
    happening: Happening,
    event: Event,
    *,
    event_id: str | None,
    lease_ms: int,
) -> Entry:
    """Write an event, on which the caller has a lease then."""
    at_ms, value = now_ms(), encode_event(event).decode()
    made = connection.execute(
        insert(events)
        .values(
            event_id=event_id,
            event_type=happening.event_type,
            player_id=happening.player_id,
            guild=getattr(happening, "guild", None),
            at_ms=at_ms,
            value=value,
            leased_until_ms=at_ms + lease_ms,
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
    return Entry(made, happening.player_id, value, at_ms)


def take_up(connection: Connection, lease_ms: int) -> list[Entry]:
    """Take over events whose lease is over, oldest first."""
    now = now_ms()
    query = (
        select(events.c.id, events.c.player_id, events.c.value, events.c.at_ms)
        .where(events.c.leased_until_ms < now)
        .order_by(events.c.id)
        .limit(TAKEN_UP_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    found = [Entry(*row) for row in connection.execute(query)]
    if found:
        numbers = [entry.number for entry in found]
        renewed = update(events).where(events.c.id.in_(numbers))
        connection.execute(renewed.values(leased_until_ms=now + lease_ms))
    return found


def mark_published(connection: Connection, places: Iterable[tuple[Entry, Place | None]]) -> None:
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


def count_unpublished(connection: Connection) -> int:
    """How many events wait to be published."""
    query = select(func.count()).where(events.c.leased_until_ms.is_not(None))
    return int(connection.execute(query).scalar_one())
