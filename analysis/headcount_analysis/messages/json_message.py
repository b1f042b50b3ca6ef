"""JSON messages: parses a message's bytes strictly.

Strictly means: one object in UTF-8, at most preceded by a byte order mark; no NaN, and no lone half
of a surrogate pair. Numbers keep their exact value, in any notation. Repeated keys are recorded,
because they are ambiguous.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from headcount.ledger.canonical_json import canonical_value
from headcount_analysis.messages.encodings import recoded

Object = Mapping[str, object]

_MARK = b"\xef\xbb\xbf"
_ZERO = re.compile(r"-?[0.]+[eE]")
_FRAME_BYTES = 5
"""The length of a schema registry's frame: a zero byte and the schema's number."""

_REPR = re.compile(r"\{\s*'|\{.{0,200}: (None|True|False)\b")
"""Matches the repr of a Python dictionary, which is not JSON."""

Pairs = list[tuple[str, object]]
Hook = Callable[[Pairs], dict[str, object]]


class ParsedMessage(NamedTuple):
    """A parsed message: a JSON object, or the defect of the bytes.

    `repeated` names the keys that occur more than once in one of its objects; `event` has the last
    value of such a key. `repeated_fields` are those of them that are top-level fields of the event.
    `root` is the whole message if the event is only a part of it, and `event_type` the type of the
    event if its envelope names it. A tombstone marks that a row was deleted: it stands for no
    event, although its key or headers may have an id.
    """

    event: Object | None = None
    defect: str | None = None
    repeated: tuple[str, ...] = ()
    repeated_fields: tuple[str, ...] = ()
    root: Object | None = None
    event_type: str | None = None
    is_tombstone: bool = False

    @property
    def whole(self) -> Object | None:
        """The whole message, which JSON pointers look into."""
        return self.event if self.root is None else self.root


def parse(value: bytes | None) -> ParsedMessage:
    """Parse a message. Fractions become Decimal."""
    try:
        text = (value or b"").removeprefix(_MARK).decode()
        event = _decoded(text)
        if "\\u" in text:  # the only way to write half a surrogate pair
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
    except ValueError:  # Python limits the number of digits of an integer
        return _decoder(_once, parse_int=_fraction).decode(text)


class _RepeatedError(ValueError):
    """A key occurs twice in an object."""


class _ConstantError(ValueError):
    """NaN or an infinity is used as a number."""


def _once(pairs: Pairs) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise _RepeatedError
    return fields


def _no_constant(name: str) -> object:
    raise _ConstantError(name)


def _fraction(text: str) -> Decimal | float:
    """Parse a number; one too large for Decimal becomes infinity, which has no canonical form."""
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
    """Parse a message with repeated keys, and name them."""
    repeated: dict[str, None] = {}
    last: list[str] = []

    def record_repeated(pairs: Pairs) -> dict[str, object]:
        counts = Counter(name for name, _ in pairs)
        last[:] = sorted(name for name, count in counts.items() if count > 1)
        repeated.update(dict.fromkeys(last))
        return dict(pairs)

    try:
        event = _decoder(record_repeated, parse_int=_fraction).decode(text)
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
        return f"framed for a schema registry, schema {schema}"
    if isinstance(error, _ConstantError):
        return str(error)
    if isinstance(error, UnicodeDecodeError) and (encoded := recoded(value)) is not None:
        return f"not UTF-8, but {encoded.name}"
    known = (name for kind, name in _DEFECTS.items() if isinstance(error, kind))
    return next(known, "") or _other_text(value.removeprefix(_MARK).decode().strip(), error)


_DEFECTS: Mapping[type[Exception], str] = {
    UnicodeDecodeError: "not UTF-8",
    UnicodeEncodeError: "half a surrogate pair",
    RecursionError: "nested too deeply",
}


def _other_text(text: str, error: Exception) -> str:
    """Name the defect of a text that is not JSON."""
    if _REPR.match(text):
        return "Python's repr"
    if isinstance(error, json.JSONDecodeError):
        if error.msg == "Extra data":
            return "more than one JSON value"
        if text[:1] in {"{", "["} and (error.pos >= len(text) or "Unterminated" in error.msg):
            return "truncated JSON"
    return "not JSON"


def framed_schema(value: bytes) -> int | None:
    """Return the schema's number in a schema registry's frame; None without a frame."""
    if len(value) <= _FRAME_BYTES or value[0] != 0:
        return None
    return int.from_bytes(value[1:_FRAME_BYTES])


def _other_json(value: object) -> str:
    """Name the defect of JSON that is not an object."""
    if isinstance(value, str):
        is_within = isinstance(parse(value.encode(errors="replace")).event, dict)
        return "JSON inside a JSON string" if is_within else "a JSON string, not an object"
    if isinstance(value, list):
        return "a JSON array, not an object"
    return "JSON, but not an object"


def type_text(value: object) -> str | None:
    """Format an event's type, whatever JSON value it is."""
    if value is None or isinstance(value, str):
        return value
    try:
        return canonical_value(value)
    except (ValueError, RecursionError):
        return None
