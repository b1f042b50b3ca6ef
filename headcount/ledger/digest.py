r"""Digests: XXH64 with seed 42 over a canonical form of an event.

Content is compared over what the generator asked for, its *shape*, to any depth: a service may add
fields to the event and to every object within it. The canonical form of an event over a shape is
the concatenation, sorted by name, of

    "<name>":<value>,

for each field. A value is JSON with sorted keys, no spaces, nothing escaped that need not be, and
`\u00XX` in capitals. A number up to 38 places before or after the point has no exponent and no
trailing zeros after the point; any other is its digits without trailing zeros, and an exponent. An
event that lacks something of a shape has no digest over that shape. The same code writes the form
of what was asked for and of what arrived, which `headcount_analysis.messages.json_message` reads so
that a number is the one that is written.

A shape is written as its sorted names, joined by commas, where every name is plain and no object is
within; otherwise as JSON, in which 0 stands for a value that is compared whole, an object for one
of which these fields are compared, and a list for the elements of a list: one for all of them
where they are alike.

What JSON cannot write is refused when it is asked for, not compared wrongly later.
"""

import functools
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

import xxhash

SEED = 42
MAX_PLACES = 38
"""Numbers of more places than these before or after the point are written with an exponent."""

MAX_DEPTH = 200
"""Objects and lists within each other, beyond which an event is refused."""

MAX_ASKED = 256
"""A canonical form of more characters is not kept, only a hash of each field."""

HASHED, HASH_LENGTH = "~", 8
_LARGE = 10**MAX_PLACES
_MOST_SHOWN = 80
_WHOLE = 0
"""A form: the value is compared whole."""

Form = Mapping[str, "Form"] | Sequence["Form"] | int
"""A shape as it is worked with; the keys of a mapping are sorted."""

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,99}", re.ASCII)
_ENCODER = json.JSONEncoder(ensure_ascii=False)
_CONTROL_ESCAPE = re.compile(r"\\(u[0-9a-f]{4}|.)")


class Description(NamedTuple):
    """What is compared of an event: its shape, its digest over that, and what it is told apart by.

    `asked` is the canonical form, or where that is long `~` and the hash of each field.
    """

    shape: str
    digest: int
    asked: str


def describe(event: Mapping[str, object]) -> Description:
    """Describe an event. ValueError names what of it cannot be compared, and why."""
    shape, pairs = _described(event)
    text = "".join(pairs)
    asked = text if len(text) <= MAX_ASKED else HASHED + "".join(map(_short_hash, pairs))
    return Description(shape, signed_hash(text.encode()), asked)


def shape(event: Mapping[str, object]) -> str:
    """Name what is compared of an event. ValueError names what cannot be."""
    return describe(event).shape


def digest(event: Mapping[str, object]) -> int:
    """Compute the signed 64-bit digest of an event over its own shape."""
    return describe(event).digest


def canonical(event: Mapping[str, object]) -> str:
    """Write the canonical form of an event over its own shape. ValueError names a bad field."""
    return "".join(_described(event)[1])


def field_hashes(event: Mapping[str, object], shape: str) -> Iterator[tuple[str, str]]:
    """Give the hash of each field of a shape, as in `asked`; an empty one for what it lacks."""
    for name, part in form_of(shape).items():
        pair = _over(event, {name: part}, {})
        yield name, "" if pair is None else _short_hash(pair)


def digests_over(event: Mapping[str, object], shapes: Sequence[str]) -> list[int]:
    """Compute the digests over those shapes of which the event lacks nothing."""
    whole: dict[str, str | None] = {}
    texts = (_over(event, form_of(shape), whole) for shape in shapes)
    return [signed_hash(text.encode()) for text in texts if text is not None]


def names_of(shape: str) -> tuple[str, ...]:
    """Name the event's own fields in a shape, sorted."""
    return tuple(form_of(shape))


def pointer(path: Sequence[str | int]) -> str:
    """Name a place in an event: a field of its own by its name, any other by a JSON pointer."""
    if len(path) == 1:
        return str(path[0])
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def _short_hash(pair: str) -> str:
    digest: str = xxhash.xxh32_hexdigest(pair.encode(), SEED)
    return digest


def signed_hash(content: bytes) -> int:
    """Compute XXH64 as a signed number, as Arrow's and Java's are."""
    unsigned: int = xxhash.xxh64_intdigest(content, SEED)
    return unsigned - (1 << 64) if unsigned >= 1 << 63 else unsigned


@functools.lru_cache(maxsize=4096)
def _names(names: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """Sort an event's names, and write the shape that it has if nothing is within it."""
    for name in names:
        _text(name)
    ordered = tuple(sorted(names))
    return ordered, _written(dict.fromkeys(ordered, _WHOLE))


def _written(form: Mapping[str, Form]) -> str:
    """Write a shape."""
    is_flat = all(part == _WHOLE for part in form.values())
    if is_flat and all(map(_PLAIN_NAME.fullmatch, form)):
        return ",".join(form)
    return json.dumps(form, ensure_ascii=False, separators=(",", ":"))


# Typed, because 1, 1.0 and True are equal in Python and different in JSON.
@functools.lru_cache(maxsize=65536, typed=True)
def _scalar_pair(name: str, value: object) -> str:
    """Write a pair; TypeError where something can be within the value, or it cannot be kept."""
    if value is not None and not isinstance(value, str | int | float):
        raise TypeError
    return f"{_text(name)}:{canonical_value(value)},"


def _described(event: Mapping[str, object]) -> tuple[str, list[str]]:
    """Write the shape of an event, and its fields in order. ValueError names what has no form."""
    try:
        names, flat = _names(tuple(event))
        try:
            return flat, [_scalar_pair(name, event[name]) for name in names]
        except TypeError:
            return _nested(event, names)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise _refusal(event, error) from None


def _nested(event: Mapping[str, object], names: Sequence[str]) -> tuple[str, list[str]]:
    """Write the shape and the fields of an event with objects or lists in it."""
    form = {name: _form(event[name], 1) for name in names}
    pairs = [f"{_key(name)}:{canonical_value(event[name])}," for name in names]
    return _written(form), pairs


def _form(value: object, depth: int) -> Form:
    if depth > MAX_DEPTH:
        raise RecursionError
    if isinstance(value, Mapping):
        return {key: _form(value[key], depth + 1) for key in sorted(value)}
    if isinstance(value, list | tuple):
        forms = [_form(item, depth + 1) for item in value]
        if all(each == _WHOLE for each in forms):
            return _WHOLE
        return forms[:1] if all(each == forms[0] for each in forms) else forms
    return _WHOLE


@functools.lru_cache(maxsize=4096)
def form_of(shape: str) -> Mapping[str, Form]:
    """Read a shape. ValueError where it is none."""
    if not shape.startswith("{"):
        return dict.fromkeys((name for name in shape.split(",") if name), _WHOLE)
    form: Mapping[str, Form] = json.loads(shape)
    return form


class _LackingError(Exception):
    """An event lacks something of a shape."""


def _over(
    event: Mapping[str, object], form: Mapping[str, Form], whole: dict[str, str | None]
) -> str | None:
    """Write an event over a form; None where it lacks something or that has no canonical form.

    `whole` has the pairs of its fields that are compared whole, once they were written.
    """
    if not form.keys() <= event.keys():
        return None
    pairs = []
    for name, part in form.items():
        pair = whole.get(name) if part == _WHOLE else None
        if pair is None:
            try:
                value = event[name]
                text = canonical_value(value) if part == _WHOLE else _projected(value, part)
            except (_LackingError, ValueError, RecursionError):
                return None  # what has no canonical form was never asked for
            pair = f"{_key(name)}:{text},"
            if part == _WHOLE:
                whole[name] = pair
        pairs.append(pair)
    return "".join(pairs)


def _projected(value: object, form: Form) -> str:
    """Write what a form compares of a value."""
    if isinstance(form, int):
        return canonical_value(value)
    if isinstance(form, Mapping):
        if not isinstance(value, Mapping) or not form.keys() <= value.keys():
            raise _LackingError
        pairs = [f"{_key(key)}:{_projected(value[key], part)}" for key, part in form.items()]
        return "{" + ",".join(pairs) + "}"
    if not isinstance(value, list | tuple) or len(form) not in {1, len(value)}:
        raise _LackingError
    parts = form if len(form) > 1 else [*form] * len(value)
    return "[" + ",".join(map(_projected, value, parts)) + "]"


def canonical_value(value: object) -> str:  # noqa: PLR0911 - one for each type
    """Write a JSON value in its canonical form; ValueError where it has none."""
    match value:
        case str():
            return _text(value)
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
            pairs = [f"{_text(key)}:{canonical_value(value[key])}" for key in sorted(value)]
            return "{" + ",".join(pairs) + "}"
        case _:
            raise ValueError(
                f"a {type(value).__name__} is no JSON value; give the text or number that the "
                "service publishes"
            )


def _number(value: float) -> str:
    if isinstance(value, int):
        value = int(value)  # an enumeration's
        return str(value) if -_LARGE < value < _LARGE else _exact(Decimal(value))
    text = repr(float(value))  # numpy's too
    if "e" in text or "n" in text:
        if not math.isfinite(value):
            raise ValueError(f"{text} is no JSON number")
        return _exact(Decimal(text))
    return _trimmed(text)


def _exact(value: Decimal) -> str:
    """Write a number of any size by its value."""
    if not value.is_finite():
        raise ValueError(f"{value} is no JSON number")
    if not value:
        return "0"
    if abs(value.adjusted()) <= MAX_PLACES:
        return _trimmed(format(value, "f"))
    # Nor is a gigabyte of zeros written for somebody's exponent.
    sign, places, exponent = value.as_tuple()
    digits = "".join(map(str, places))
    kept = digits.rstrip("0")
    assert isinstance(exponent, int), "it is finite"
    return f"{'-' * sign}{kept}e{exponent + len(digits) - len(kept)}"


def _trimmed(number: str) -> str:
    """Leave out zeros at the end of a fraction."""
    if "." in number:
        number = number.rstrip("0").rstrip(".")
    return "0" if number == "-0" else number


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"the key {value!r:.40} is no text")  # noqa: TRY004 - told as the others
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("a lone surrogate has no place in UTF-8") from None
    text = _ENCODER.encode(value)
    return _CONTROL_ESCAPE.sub(_upper_escape, text) if "\\u" in text else text


_key = functools.lru_cache(maxsize=4096, typed=True)(_text)


def _upper_escape(match: re.Match[str]) -> str:
    escape = match.group(1)
    return "\\u" + escape[1:].upper() if len(escape) > 1 else match.group(0)


def _refusal(event: object, error: Exception) -> ValueError:
    """Say what of an event cannot be compared, and why."""
    if not isinstance(event, Mapping):
        return ValueError(
            f"an event is a mapping of its fields, such as a dict, and not {event!r:.60} "
            f"({type(event).__name__})"
        )
    for path, value in _parts(event):
        reason = _reason(value, len(path))
        if reason is not None:
            place = f"field {pointer(path)[:_MOST_SHOWN]!r}" if path else "the event"
            return ValueError(f"{place} cannot be compared: {reason}")
    return ValueError(f"the event cannot be compared: {error}")


def _parts(event: object) -> Iterator[tuple[tuple[str | int, ...], object]]:
    """Give every value in an event and where it stands, the outer ones first."""
    waiting: list[tuple[tuple[str | int, ...], object]] = [((), event)]
    while waiting:
        path, value = waiting.pop()
        yield path, value
        if isinstance(value, Mapping):
            waiting += [((*path, key), item) for key, item in value.items()]
        elif isinstance(value, list | tuple):
            waiting += [((*path, place), item) for place, item in enumerate(value)]


def _reason(value: object, depth: int) -> str | None:
    """Tell why a value itself cannot be compared, whatever is within it."""
    try:
        if depth > MAX_DEPTH:
            return f"it lies more than {MAX_DEPTH} objects and lists deep"
        if isinstance(value, Mapping):
            for key in value:
                _text(key)
        elif not isinstance(value, list | tuple):
            canonical_value(value)
    except ValueError as error:
        return str(error)
    return None
