"""Messages: one message's bytes read as JSON, strictly, and what it says of itself.

Strictly means: one object in UTF-8 and nothing beside it but a byte order mark, no NaN, no half of
a surrogate pair. Numbers keep the value that is written, however it is written. A key that stands
twice is noted: what it says can be read in two ways.
"""

import functools
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from headcount.ledger.canonical_json import canonical_value
from headcount.ledger.digest import digests_over
from headcount.run.ids import HEADER

Object = Mapping[str, object]
ShapesOf = Callable[[str | None], Sequence[str]]
"""Gives the shapes that an event with an id can have."""

_MARK = b"\xef\xbb\xbf"
_ZERO = re.compile(r"-?[0.]+[eE]")
_FRAME_BYTES = 5
"""A schema registry's frame: a zero, and the number of the schema."""

_REPR = re.compile(r"\{\s*'|\{.{0,200}: (None|True|False)\b")
"""What Python writes of a dictionary, and JSON does not."""

Pairs = list[tuple[str, object]]
Hook = Callable[[Pairs], dict[str, object]]


class ParsedMessage(NamedTuple):
    """A parsed message: a JSON object, or what is wrong with the bytes.

    `repeated` names the keys that stand twice in one of its objects, the last of which counts;
    `repeated_fields` those of them that are fields of the event itself.
    """

    event: Object | None = None
    defect: str | None = None
    repeated: tuple[str, ...] = ()
    repeated_fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Content:
    """What a message says; `digests` are over each shape of which it lacks nothing.

    Nothing of it is known of a message with a `defect`.
    """

    defect: str | None = None
    identity: str | None = None
    event_type: str | None = None
    digests: tuple[int, ...] = ()


def read(parsed: ParsedMessage, id_field: str, type_field: str, shapes_of: ShapesOf) -> Content:
    """Read a message's id and event type, and its digest over each shape that it can have.

    What has a key twice has no digest, for it is not what was asked for.
    """
    event = parsed.event
    if event is None:
        return Content(parsed.defect)
    names = id_names(tuple(event), id_field)
    identities = [event[name] for name in names]
    if any(name in names for name in parsed.repeated_fields):
        return Content(f"the field {names[0]} stands twice")
    if any(identity != identities[0] for identity in identities[1:]):
        return Content(f"the fields {' and '.join(names)} differ")
    identity = identities[0] if identities and isinstance(identities[0], str) else None
    return Content(
        identity=identity,
        event_type=_text(event.get(type_field)),
        digests=() if parsed.repeated else tuple(digests_over(event, shapes_of(identity))),
    )


@functools.lru_cache(maxsize=128)
def id_names(names: tuple[str, ...], id_field: str) -> tuple[str, ...]:
    """Select the fields of an event that hold the id.

    A header's name has no case, and frameworks write it in their own: `x-event-id`, `X_EVENT_ID`,
    and WSGI's `HTTP_X_EVENT_ID`. A field that was named by the user is that one alone.
    """
    if not is_header(id_field):
        return (id_field,) if id_field in names else ()
    return tuple(filter(is_header, names))


def is_header(name: str) -> bool:
    """Whether a field's name is a spelling of the id header's name."""
    return name.casefold().replace("_", "-").removeprefix("http-") == HEADER.casefold()


def parse(value: bytes | None) -> ParsedMessage:
    """Read a message. Fractions come as Decimal."""
    try:
        text = (value or b"").removeprefix(_MARK).decode()
        event = _decoded(text)
        if "\\u" in text:  # the only way to half a surrogate pair
            json.dumps(event, ensure_ascii=False, default=str).encode()
    except _RepeatedError:
        return _parse_repeated(text)
    except (ValueError, RecursionError) as error:
        return ParsedMessage(defect=_defect(value, error))
    return (
        ParsedMessage(event)
        if isinstance(event, dict)
        else ParsedMessage(defect=_other_json(event))
    )


def _decoded(text: str) -> object:
    try:
        return _DECODER.decode(text)
    except (json.JSONDecodeError, _RepeatedError, _ConstantError):
        raise
    except ValueError:  # Python's own bound on the digits of an integer
        return _decoder(_once, parse_int=_fraction).decode(text)


class _RepeatedError(ValueError):
    """A key stands twice in an object."""


class _ConstantError(ValueError):
    """NaN or an infinity stands where a number is expected."""


def _once(pairs: Pairs) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise _RepeatedError
    return fields


def _no_constant(name: str) -> object:
    raise _ConstantError(name)


def _fraction(text: str) -> Decimal | float:
    """Read a number; one beyond all bounds is the infinite, which has no canonical form."""
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal(0) if _ZERO.match(text) else math.inf


def _decoder(hook: Hook, parse_int: Callable[[str], object] | None = None) -> json.JSONDecoder:
    return json.JSONDecoder(
        object_pairs_hook=hook,
        parse_float=_fraction,
        parse_int=parse_int,
        parse_constant=_no_constant,
    )


_DECODER = _decoder(_once)


def _parse_repeated(text: str) -> ParsedMessage:
    """Read a message in which a key stands twice, and name those that do."""
    repeated: dict[str, None] = {}
    last: list[str] = []

    def noted(pairs: Pairs) -> dict[str, object]:
        counts = Counter(name for name, _ in pairs)
        last[:] = sorted(name for name, count in counts.items() if count > 1)
        repeated.update(dict.fromkeys(last))
        return dict(pairs)

    try:
        event = _decoder(noted, parse_int=_fraction).decode(text)
        if "\\u" in text:
            json.dumps(event, ensure_ascii=False, default=str).encode()
    except (ValueError, RecursionError) as error:
        return ParsedMessage(defect=_defect(text.encode(), error))
    if not isinstance(event, dict):
        return ParsedMessage(defect=_other_json(event))
    # The hook is called for the outermost object last.
    return ParsedMessage(event, repeated=tuple(repeated), repeated_fields=tuple(last))


def _defect(value: bytes | None, error: Exception) -> str:
    """Name the defect of a message that is not JSON."""
    if value is None:
        return "tombstone (no value)"
    if not value.strip():
        return "empty"
    if (schema := framed_schema(value)) is not None:
        return f"framed by a schema registry, schema {schema}"
    if isinstance(error, _ConstantError):
        return str(error)
    known = (name for kind, name in _DEFECTS.items() if isinstance(error, kind))
    return next(known, "") or _other_text(value.removeprefix(_MARK).decode().strip(), error)


_DEFECTS: Mapping[type[Exception], str] = {
    UnicodeDecodeError: "not UTF-8",
    UnicodeEncodeError: "half a surrogate pair",
    RecursionError: "nested too deep",
}


def _other_text(text: str, error: Exception) -> str:
    """Name the defect of a text that is not JSON."""
    if _REPR.match(text):
        return "Python's repr"
    if isinstance(error, json.JSONDecodeError):
        if error.msg == "Extra data":
            return "more than one JSON value"
        if text[:1] in {"{", "["} and (error.pos >= len(text) or "Unterminated" in error.msg):
            return "JSON that is cut off"
    return "no JSON"


def framed_schema(value: bytes) -> int | None:
    """Give the number of the schema in a schema registry's frame; None without a frame."""
    if len(value) <= _FRAME_BYTES or value[0] != 0:
        return None
    return int.from_bytes(value[1:_FRAME_BYTES])


def _other_json(value: object) -> str:
    """Name the defect of JSON that is not an object."""
    if isinstance(value, str):
        is_within = isinstance(parse(value.encode(errors="replace")).event, dict)
        return "JSON within a JSON text" if is_within else "a JSON text, no object"
    if isinstance(value, list):
        return "a JSON list, no object"
    return "JSON, no object"


def _text(value: object) -> str | None:
    """Format an event's type, whatever value it has."""
    if value is None or isinstance(value, str):
        return value
    try:
        return canonical_value(value)
    except (ValueError, RecursionError):
        return None
