"""The canonical form of JSON values: equal values have one spelling, however they were written."""

import functools
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from headcount.json_pointer import pointer_of

MAX_PLACES = 38
"""A number whose first digit is more than this many places from the units gets an exponent."""

MAX_DEPTH = 200
"""An event whose objects and lists are nested deeper is refused."""

_LARGE = 10**MAX_PLACES

_MOST_SHOWN = 80

_ENCODER = json.JSONEncoder(ensure_ascii=False)

_CONTROL_ESCAPE = re.compile(r"\\(u[0-9a-f]{4}|.)")


def pointer(path: Sequence[str | int]) -> str:
    """Name a place in an event: a top-level field by its name, any other by a JSON pointer."""
    if len(path) == 1:
        return str(path[0])
    return pointer_of(path)


def canonical_value(value: object) -> str:  # noqa: PLR0911 - one for each type
    """Return the canonical form of a JSON value. ValueError if it has none."""
    match value:
        case str():
            return canonical_text(value)
        case bool():
            return "true" if value else "false"
        case int() | float():
            return _number(value)
        case None:
            return "null"
        case Decimal():
            return _exact(value)
        case list() | tuple():
            return "[" + ",".join([canonical_value(item) for item in value]) + "]"
        case Mapping():
            pairs = [
                f"{canonical_text(key)}:{canonical_value(value[key])}" for key in sorted(value)
            ]
            return "{" + ",".join(pairs) + "}"
        case _:
            raise ValueError(
                f"a {type(value).__name__} is not a JSON value; pass the text or number that the "
                "service publishes"
            )


def canonical_double(value: object) -> str:
    """Return the canonical form of a value; a number is read as a double.

    ValueError if it has none, such as a number beyond the largest double.
    """
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        try:
            return _number(float(value))
        except OverflowError:
            raise ValueError("the number is beyond the largest double") from None
    return canonical_value(value)


def _number(value: float) -> str:
    if isinstance(value, int):
        value = int(value)  # it may be a member of an enumeration
        return str(value) if -_LARGE < value < _LARGE else _exact(Decimal(value))
    text = repr(float(value))  # it may be one of numpy's floats
    if "e" in text or "n" in text:
        if not math.isfinite(value):
            raise ValueError(f"{text} is not a JSON number")
        return _exact(Decimal(text))
    return _trimmed(text)


def _exact(value: Decimal) -> str:
    """Format a number of any size by its value."""
    if not value.is_finite():
        raise ValueError(f"{value} is not a JSON number")
    if not value:
        return "0"
    if abs(value.adjusted()) <= MAX_PLACES:
        return _trimmed(format(value, "f"))
    # A large exponent must not become a gigabyte of zeros.
    sign, places, exponent = value.as_tuple()
    digits = "".join(map(str, places))
    kept = digits.rstrip("0")
    assert isinstance(exponent, int), "it is finite"
    return f"{'-' * sign}{kept}e{exponent + len(digits) - len(kept)}"


def _trimmed(number: str) -> str:
    """Remove trailing zeros of a fraction."""
    if "." in number:
        number = number.rstrip("0").rstrip(".")
    return "0" if number == "-0" else number


def canonical_text(value: object) -> str:
    """Return the canonical form of a text or a key. ValueError if it is not text."""
    if not isinstance(value, str):
        raise ValueError(f"the key {value!r:.40} is not text")  # noqa: TRY004 - like the others
    if value.isascii() and value.isprintable() and '"' not in value and "\\" not in value:
        return '"' + value + '"'  # an f-string would format a member of an enumeration
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("a lone surrogate cannot be written in UTF-8") from None
    text = _ENCODER.encode(value)
    return _CONTROL_ESCAPE.sub(_upper_escape, text) if "\\u" in text else text


canonical_key = functools.lru_cache(maxsize=4096, typed=True)(canonical_text)


def _upper_escape(match: re.Match[str]) -> str:
    escape = match.group(1)
    return "\\u" + escape[1:].upper() if len(escape) > 1 else match.group(0)


def refusal(event: object, error: Exception) -> ValueError:
    """Return an error that says which part of an event cannot be compared, and why."""
    if not isinstance(event, Mapping):
        return ValueError(
            f"an event must be a mapping of its fields, such as a dict, got {event!r:.60} "
            f"({type(event).__name__})"
        )
    for path, value in _parts(event):
        reason = _reason(value, len(path))
        if reason is not None:
            place = f"field {pointer(path)[:_MOST_SHOWN]!r}" if path else "the event"
            return ValueError(f"{place} cannot be compared: {reason}")
    return ValueError(f"the event cannot be compared: {error}")


def _parts(event: object) -> Iterator[tuple[tuple[str | int, ...], object]]:
    """Yield every value in an event with its path, the outer ones first."""
    waiting: list[tuple[tuple[str | int, ...], object]] = [((), event)]
    while waiting:
        path, value = waiting.pop()
        yield path, value
        if isinstance(value, Mapping):
            waiting += [((*path, key), item) for key, item in value.items()]
        elif isinstance(value, list | tuple):
            waiting += [((*path, place), item) for place, item in enumerate(value)]


def _reason(value: object, depth: int) -> str | None:
    """Return why a value itself cannot be compared, whatever it contains."""
    try:
        if depth > MAX_DEPTH:
            return f"it is nested more than {MAX_DEPTH} levels deep"
        if isinstance(value, Mapping):
            for key in value:
                canonical_text(key)
        elif not isinstance(value, list | tuple):
            canonical_value(value)
    except ValueError as error:
        return str(error)
    return None
