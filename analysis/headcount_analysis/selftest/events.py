"""Events of the self-test: what a request should cause, and its message, intact or altered."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from headcount.ledger.digest import Description, describe
from headcount.run.ids import HEADER, EventId, tag_of
from headcount_analysis.selftest.plan import Plan

POOL = 1024
_HEADERS = {"Host": "127.0.0.1:8000", "User-Agent": "python/gevent-http-client"}
_METALS = ("iron", "bronze", "silver", "gold")
_GUILDS = ("knights", "mages", "rangers")
_EVENT_TYPES, _WEIGHTS = ("default", "purchase_sword", "join_guild"), (5, 3, 2)

EventFields = Mapping[str, object]
"""The fields of an event that a request should cause."""


@dataclass(frozen=True, slots=True)
class EventTemplate:
    """An event that a run repeats; `before` and `after` are its JSON around the id."""

    fields: EventFields
    description: Description
    key: bytes | None
    before: bytes
    after: bytes

    @property
    def event_type(self) -> str:
        """The event's type."""
        return str(self.fields["event_type"])

    def value(self, event_id: str) -> bytes:
        """Return the event as the service writes it."""
        return b"%b%b%b" % (self.before, event_id.encode(), self.after)


def samples() -> list[EventTemplate]:
    """Create the pool of events that a run repeats."""
    random = Random(7)  # noqa: S311 - traffic
    return [_sample(_random_fields(random)) for _ in range(POOL)]


def write(fields: EventFields, event_id: object = None) -> bytes:
    """Return an event as the service writes it: headers including the id, then its own fields."""
    named = {} if event_id is None else {HEADER: event_id}
    event = {**_HEADERS, **named, **fields}
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def _random_fields(random: Random) -> EventFields:
    (kind,) = random.choices(_EVENT_TYPES, _WEIGHTS)
    player = {"player_id": f"player-{random.randrange(100)}"}
    if kind == "purchase_sword":
        metal, quantity = random.choice(_METALS), random.randrange(1, 10)
        return {"event_type": kind, **player, "metal": metal, "quantity": quantity}
    if kind == "join_guild":
        return {"event_type": kind, **player, "guild": random.choice(_GUILDS)}
    return {"event_type": kind}


def _sample(fields: EventFields) -> EventTemplate:
    before, after = write(fields, "\0").split(b"\\u0000")
    player = fields.get("player_id")
    key = None if player is None else str(player).encode()
    return EventTemplate(fields, describe(fields), key, before, after)


_ALTERATIONS: tuple[Callable[[EventFields], EventFields], ...] = (
    lambda fields: {**fields, "event_type": f"un{fields['event_type']}"},
    lambda fields: {name: fields[name] for name in list(fields)[:-1]},
    lambda fields: {**fields, list(fields)[-1]: [fields[list(fields)[-1]]]},
    lambda fields: {**fields, list(fields)[-1]: f"{fields[list(fields)[-1]]} "},
    lambda fields: {**fields, list(fields)[-1]: None},
)


def altered(fields: EventFields, event_id: str, form: int) -> bytes:
    """Return an event with one alteration, chosen by `form`.

    Another event type, a missing field, an array, an extra space, null, or a repeated key.
    """
    chosen = form % (len(_ALTERATIONS) + 1)
    if chosen < len(_ALTERATIONS):
        return write(_ALTERATIONS[chosen](fields), event_id)
    return write(fields, event_id)[:-1] + b',"event_type":"default"}'


def altered_fields(fields: EventFields, form: int) -> frozenset[tuple[str, str]]:
    """Return the names of the fields that `altered` alters, each with the kind of difference."""
    name, value = list(fields.items())[-1]
    is_text = isinstance(value, str)
    match form % (len(_ALTERATIONS) + 1):
        case 0:
            return frozenset({("event_type", "value")})
        case 1:
            return frozenset({(name, "missing")})
        case 3:
            return frozenset({(name, "value" if is_text else "type")})
        case 2 | 4:
            return frozenset({(name, "type")})
        case _:
            # The last value counts, and that is the default event's type.
            is_other = fields["event_type"] != "default"
            other = {("event_type", "value")} if is_other else set()
            return frozenset({("event_type", "repeated"), *other})


UNPARSEABLE: tuple[Callable[[bytes], bytes], ...] = (
    lambda value: value[:-1],
    lambda value: value.replace(b"event_type", b"event\xfftype"),
    lambda value: b"[" + value + b"]",
    lambda value: value + value,
    lambda value: value.replace(b"{", b"{'a':1,", 1),
)
"""Ways to break an event: truncated, not UTF-8, an array, two in one message, wrong quotes."""


def invented(tag: str, generator: int, seq: int, beyond: int) -> tuple[str, ...]:
    """Return ids that claim the run but were never used; the generator never reached `beyond`."""
    return (
        f"{tag}.{generator}.{beyond}",
        f"{tag}.{generator + 1000}.{seq}",
        f"{tag}.{generator}.0{seq}",
        f"{tag}.{generator}.{seq}.0",
    )


def foreign(plan: Plan, generator: int, seq: int) -> tuple[object, ...]:
    """Return ids that do not claim the run: those of similar names or another start, and none."""
    tags = f"another-{plan.tag}", f"{plan.tag}x", plan.run_id, tag_of(seq)
    return (*(str(EventId(tag, generator, seq)) for tag in tags), None, seq)
