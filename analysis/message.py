"""Messages: one message's bytes read as JSON, strictly, and what it says of itself.

Strictly means: one object in UTF-8 and nothing beside it, no key twice, no NaN, no half of a
surrogate pair. Numbers keep the value that is written, however it is written.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache

from headcount.digest import canonical_value, digest_of

Object = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Content:
    """What a message says; `digests` are over each shape whose fields it has.

    Nothing of it is known of a message that is no JSON object.
    """

    is_object: bool = False
    identity: str | None = None
    event_type: str | None = None
    digests: tuple[int, ...] = ()


def read(event: Object | None, id_field: str, type_field: str, shapes: Sequence[str]) -> Content:
    """Tell a message's id and event type, and its digest over each shape that it can have."""
    if event is None:
        return Content()
    identity = event.get(id_field)
    return Content(
        is_object=True,
        identity=identity if isinstance(identity, str) else None,
        event_type=_text(event.get(type_field)),
        digests=tuple(_digests(event, shapes)),
    )


def parse(value: bytes) -> Object | None:
    """Give the one JSON object that a message is, or None. Fractions come as Decimal."""
    try:
        text = value.decode()
        found = _DECODER.decode(text)
        if "\\u" in text:  # the only way to half a surrogate pair
            json.dumps(found, ensure_ascii=False, default=str).encode()
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


def _fraction(text: str) -> Decimal | float:
    """Read a number; one beyond all bounds is the infinite, which has no canonical form."""
    try:
        return Decimal(text)
    except InvalidOperation:
        return math.inf


_DECODER = json.JSONDecoder(
    object_pairs_hook=_once, parse_float=_fraction, parse_constant=_no_constant
)


def _text(value: object) -> str | None:
    """Write what stands where an event's type is expected."""
    if value is None or isinstance(value, str):
        return value
    try:
        return canonical_value(value, "")
    except (ValueError, RecursionError):
        return None


def _digests(event: Object, shapes: Sequence[str]) -> list[int]:
    """Compute the digests over those shapes whose every field is there.

    Over another shape the message cannot equal what was asked for, for that had every field.
    """
    found = []
    for shape in shapes:
        names = _names(shape)
        if all(name in event for name in names):
            try:
                found.append(digest_of(event, names))
            except (ValueError, RecursionError):
                continue  # what has no canonical form was never asked for
    return found


@cache
def _names(shape: str) -> tuple[str, ...]:
    return tuple(name for name in shape.split(",") if name)
