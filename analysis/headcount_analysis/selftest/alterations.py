"""Alterations: what may happen to an event between its request and its message."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

EventFields = Mapping[str, object]
"""The fields of an event that a request should cause."""

FieldKinds = frozenset[tuple[str, str]]
"""Names of fields, each with the kind of its difference."""

REPEATED_KEY = b'"event_type":'


class Alteration(NamedTuple):
    """A change to an event, and the fields that differ as a result, with the kinds of difference.

    `repeats` says that the message has the event's type twice.
    """

    change: Callable[[EventFields], EventFields]
    differing: Callable[[EventFields], FieldKinds]
    repeats: bool = False


def _last(fields: EventFields, value: Callable[[object], object]) -> EventFields:
    name = list(fields)[-1]
    return {**fields, name: value(fields[name])}


def _of_last(fields: EventFields, kind: str) -> FieldKinds:
    return frozenset({(list(fields)[-1], kind)})


def _spaced(fields: EventFields) -> FieldKinds:
    is_text = isinstance(list(fields.values())[-1], str)
    return _of_last(fields, "value" if is_text else "type")


OTHER_TYPE = Alteration(
    lambda fields: {**fields, "event_type": f"un{fields['event_type']}"},
    lambda _: frozenset({("event_type", "value")}),
)
MISSING = Alteration(
    lambda fields: {name: fields[name] for name in list(fields)[:-1]},
    lambda fields: _of_last(fields, "missing"),
)
ARRAY = Alteration(
    lambda fields: _last(fields, lambda value: [value]), lambda fields: _of_last(fields, "type")
)
SPACE = Alteration(lambda fields: _last(fields, lambda value: f"{value} "), _spaced)
NULL = Alteration(
    lambda fields: _last(fields, lambda _: None), lambda fields: _of_last(fields, "type")
)
OTHER_VALUE = Alteration(
    lambda fields: _last(fields, lambda v: v + 1 if isinstance(v, int) else f"{v} "),
    lambda fields: _of_last(fields, "value"),
)
REPEATED = Alteration(
    lambda fields: fields, lambda _: frozenset({("event_type", "repeated")}), repeats=True
)

ALTERATIONS = (OTHER_TYPE, MISSING, ARRAY, SPACE, NULL)
"""Another event type, a missing field, an array, an extra space, null."""


def with_repeated_key(value: bytes) -> bytes:
    """Write the event's type a second time, before the first; even within escaped text."""
    for key in (REPEATED_KEY, REPEATED_KEY.replace(b'"', b'\\"')):
        if key in value:
            quote = key[: key.index(b"event")]
            return value.replace(key, b"%b%bdefault%b,%b" % (key, quote, quote, key), 1)
    raise AssertionError("every event has a type")
