r"""Digests: XXH64 with seed 42 over a canonical form of an event.

Content is compared over the fields that the generator asked for, its *shape*: the sorted names.
The canonical form of an event over a shape is the concatenation, in the shape's order, of

    "<name>":<value>,

for each field. A value is JSON with sorted keys, no spaces, nothing escaped that need not be, and
`\u00XX` in capitals; a number has no exponent and no trailing zeros after the point. A field that
the event lacks has no digest over that shape. The same code writes the form of what was asked for
and of what arrived, which `analysis/message.py` reads so that a number is the one that is written.

What languages write in ways that cannot be told apart is refused when it is asked for, not compared
wrongly later.
"""

import functools
import json
import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

import xxhash

SEED = 42
MAX_DIGITS = 38
_SCALARS = str, int, float

_FIELD_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,99}", re.ASCII)
_CONTROL_ESCAPE = re.compile(r"\\(u[0-9a-f]{4}|.)")


def shape(event: Mapping[str, object]) -> str:
    """Name the fields that are compared: sorted, joined by commas. ValueError for a bad name."""
    return _shape(tuple(event))


def canonical(event: Mapping[str, object]) -> str:
    """Write the canonical form of an event over its own shape. ValueError names a bad field."""
    pairs = []
    for name in sorted(event):
        value = event[name]
        pair = _scalar_pair if value is None or isinstance(value, _SCALARS) else _pair
        pairs.append(pair(name, value))
    return "".join(pairs)


def digest(event: Mapping[str, object]) -> int:
    """Compute the signed 64-bit digest of an event over its own shape."""
    return signed_hash(canonical(event).encode())


def digest_of(event: Mapping[str, object], names: Sequence[str]) -> int:
    """Compute the digest over a shape, whose names are sorted. ValueError names a bad field."""
    return signed_hash("".join([_pair(name, event[name]) for name in names]).encode())


def signed_hash(content: bytes) -> int:
    """Compute XXH64 as a signed number, as Arrow's and Java's are."""
    unsigned: int = xxhash.xxh64_intdigest(content, SEED)
    return unsigned - (1 << 64) if unsigned >= 1 << 63 else unsigned


@functools.lru_cache(maxsize=1024)
def _shape(names: tuple[str, ...]) -> str:
    for name in names:
        if _FIELD_NAME.fullmatch(name) is None:
            raise ValueError(
                f"field {name!r} cannot be compared: a name is letters, digits, _ and -, "
                "at most 100, and does not begin with a digit"
            )
    return ",".join(sorted(names))


def _pair(name: str, value: object) -> str:
    return f'"{name}":{canonical_value(value, name)},'


# Typed, because 1, 1.0 and True are equal in Python and different in JSON.
@functools.lru_cache(maxsize=65536, typed=True)
def _scalar_pair(name: str, value: float | str | None) -> str:
    return f'"{name}":{canonical_value(value, name)},'


def canonical_value(value: object, field: str) -> str:  # noqa: PLR0911 - one for each type
    """Write a JSON value in its canonical form; ValueError names the field that has none."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return _number(value, field)
        case Decimal():
            return _plain(value, field)
        case str():
            return _text(value, field)
        case list() | tuple():
            return "[" + ",".join(canonical_value(item, field) for item in value) + "]"
        case Mapping():
            return _object(value, field)
        case _:
            raise ValueError(f"field {field!r} cannot be compared: {type(value).__name__}")


def _number(value: float, field: str) -> str:
    value = int(value) if isinstance(value, int) else float(value)  # an enumeration's, or numpy's
    # What has an exponent may be written otherwise elsewhere; it is refused, not compared wrongly.
    if isinstance(value, float) and (not math.isfinite(value) or "e" in repr(value)):
        raise ValueError(f"field {field!r} cannot be compared: {value!r} needs an exponent")
    exact = Decimal(repr(value))
    if len(exact.as_tuple().digits) > MAX_DIGITS:
        raise ValueError(f"field {field!r} cannot be compared: over {MAX_DIGITS} digits")
    return _plain(exact, field)


def _plain(value: Decimal, field: str) -> str:
    """Write a number without an exponent and without zeros at its end."""
    if not value:
        return "0"
    if abs(value.adjusted()) > MAX_DIGITS:  # nor is a gigabyte of zeros written for a message's
        raise ValueError(f"field {field!r} cannot be compared: over {MAX_DIGITS} digits")
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _text(value: str, field: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"field {field!r} cannot be compared: a lone surrogate") from None
    return _CONTROL_ESCAPE.sub(_upper_escape, json.dumps(value, ensure_ascii=False))


def _upper_escape(match: re.Match[str]) -> str:
    escape = match.group(1)
    return "\\u" + escape[1:].upper() if len(escape) > 1 else match.group(0)


def _object(value: Mapping[str, object], field: str) -> str:
    # Some languages sort keys by UTF-16 code units, others by code points: alike for ASCII.
    if not all(isinstance(key, str) and key.isascii() for key in value):
        raise ValueError(f"field {field!r} cannot be compared: a key that is not ASCII text")
    pairs = (f"{_text(key, field)}:{canonical_value(value[key], field)}" for key in sorted(value))
    return "{" + ",".join(pairs) + "}"
