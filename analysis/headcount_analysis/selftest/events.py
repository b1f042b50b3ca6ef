"""Events of the self-test: what is asked for, as it stands in a message, whole or harmed."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from headcount.ledger.digest import digest, shape
from headcount.run.ids import HEADER, EventId, tag_of
from headcount_analysis.selftest.plan import Plan

POOL = 1024
_HEADERS = {"Host": "127.0.0.1:8000", "User-Agent": "python/gevent-http-client"}
_METALS = ("iron", "bronze", "silver", "gold")
_GUILDS = ("knights", "mages", "rangers")
_EVENT_TYPES, _WEIGHTS = ("default", "purchase_sword", "join_guild"), (5, 3, 2)

Wish = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class EventTemplate:
    """One of the events that are repeated: `before` and `after` stand around the id in its JSON."""

    wish: Wish
    shape: str
    digest: int
    key: bytes | None
    before: bytes
    after: bytes

    @property
    def event_type(self) -> str:
        """The event's type."""
        return str(self.wish["event_type"])

    def value(self, event_id: str) -> bytes:
        """Write the event as the service does."""
        return b"%b%b%b" % (self.before, event_id.encode(), self.after)


def samples() -> list[EventTemplate]:
    """Make the pool of events that a run repeats."""
    random = Random(7)  # noqa: S311 - traffic
    return [_sample(_wish(random)) for _ in range(POOL)]


def write(wish: Wish, event_id: object = None) -> bytes:
    """Write an event as the service does: the headers, the id among them, then its own fields."""
    named = {} if event_id is None else {HEADER: event_id}
    event = {**_HEADERS, **named, **wish}
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def _wish(random: Random) -> Wish:
    (kind,) = random.choices(_EVENT_TYPES, _WEIGHTS)
    player = {"player_id": f"player-{random.randrange(100)}"}
    if kind == "purchase_sword":
        metal, quantity = random.choice(_METALS), random.randrange(1, 10)
        return {"event_type": kind, **player, "metal": metal, "quantity": quantity}
    if kind == "join_guild":
        return {"event_type": kind, **player, "guild": random.choice(_GUILDS)}
    return {"event_type": kind}


def _sample(wish: Wish) -> EventTemplate:
    before, after = write(wish, "\0").split(b"\\u0000")
    player = wish.get("player_id")
    key = None if player is None else str(player).encode()
    return EventTemplate(wish, shape(wish), digest(wish), key, before, after)


_ALTERATIONS: tuple[Callable[[Wish], Wish], ...] = (
    lambda wish: {**wish, "event_type": f"un{wish['event_type']}"},
    lambda wish: {name: wish[name] for name in list(wish)[:-1]},
    lambda wish: {**wish, list(wish)[-1]: [wish[list(wish)[-1]]]},
    lambda wish: {**wish, list(wish)[-1]: f"{wish[list(wish)[-1]]} "},
    lambda wish: {**wish, list(wish)[-1]: None},
)


def altered(wish: Wish, event_id: str, form: int) -> bytes:
    """Write an event with one field altered.

    Its type, no field, an array, a space more, null, or a key that stands twice.
    """
    chosen = form % (len(_ALTERATIONS) + 1)
    if chosen < len(_ALTERATIONS):
        return write(_ALTERATIONS[chosen](wish), event_id)
    return write(wish, event_id)[:-1] + b',"event_type":"default"}'


UNPARSEABLE: tuple[Callable[[bytes], bytes], ...] = (
    lambda value: value[:-1],
    lambda value: value.replace(b"event_type", b"event\xfftype"),
    lambda value: b"[" + value + b"]",
    lambda value: value + value,
    lambda value: value.replace(b"{", b"{'a':1,", 1),
)
"""Ways to break an event: cut, no UTF-8, an array, twice in one, quotes that are not JSON's."""


def invented(tag: str, generator: int, seq: int, beyond: int) -> tuple[str, ...]:
    """Ids of the run that nobody asked for; `beyond` is one that the generator never reached."""
    return (
        f"{tag}.{generator}.{beyond}",
        f"{tag}.{generator + 1000}.{seq}",
        f"{tag}.{generator}.0{seq}",
        f"{tag}.{generator}.{seq}.0",
    )


def foreign(plan: Plan, generator: int, seq: int) -> tuple[object, ...]:
    """Ids that do not claim the run: of one called alike, of another start of this one, none."""
    tags = f"another-{plan.tag}", f"{plan.tag}x", plan.run_id, tag_of(seq)
    return (*(str(EventId(tag, generator, seq)) for tag in tags), None, seq)
