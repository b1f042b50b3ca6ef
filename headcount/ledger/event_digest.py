r"""Digests: XXH64 with seed 42 over a canonical form of an event.

Content is compared over the fields of `event=`, its *shape*, to any depth: a service may add
fields to the event and to every object within it. The canonical form of an event over a shape is
the concatenation, sorted by name, of

    "<name>":<value>,

for each field. A value is JSON with sorted keys, no spaces, no unnecessary escapes, and `\u00XX` in
capitals. A number is written without an exponent, and without trailing zeros after the point, if
its first digit is at most 38 places from the units; any other is written as its digits without
trailing zeros, followed by an exponent. A float in `event=` is a double, so a message's number at
that place is compared as a double, too: as the shortest text that denotes it. An event that lacks a
part of a shape has no digest over that shape. Expected events and messages are written by the same
code; `headcount_analysis.messages.json_message` parses a message without rounding its numbers.

A shape without nesting, and with plain names only, is written as its sorted names, joined by
commas. Any other shape is JSON. In it, 0 stands for a value that is compared whole, and 1 for a
double. An object stands for an event's object, of which only the named fields are compared. A list
stands for a list: it has one entry per element, or one entry if all are alike. The digest over a
shape with doubles covers the shape, too: an altered integer may equal the original as a double.

A request is refused if its event has a value that JSON cannot represent: it could not be compared.
"""

import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import xxhash

from headcount.ledger.canonical_json import (
    MAX_DEPTH,
    canonical_double,
    canonical_key,
    canonical_text,
    canonical_value,
    refusal,
)

SEED = 42

MAX_ASKED = 256
"""Of a canonical form with more characters, only a hash of each field is kept."""

HASHED, HASH_LENGTH = "~", 8

_LONGEST_CACHED, _CACHED = 64, 1000
"""In a message, only texts up to this length and integers nearer to 0 are taken from a cache."""

_WHOLE, _DOUBLE = 0, 1
"""Forms: the value is compared whole; a number in its place is compared as a double."""

_MARK = "\0"
"""Marks a pair whose value is a double; a canonical form never contains this character."""

Form = Mapping[str, "Form"] | Sequence["Form"] | int
"""A parsed shape; the keys of a mapping are sorted."""

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,99}", re.ASCII)


class Description(NamedTuple):
    """What is compared of an event: its shape, its digest over that, and its fields.

    `asked` is the canonical form, or if that is long, `~` and the hash of each field.
    """

    shape: str
    digest: int
    asked: str


def describe(event: Mapping[str, object]) -> Description:
    """Describe an event. ValueError says which part cannot be compared, and why."""
    shape, pairs, text = _described(event)
    asked = text if len(text) <= MAX_ASKED else HASHED + "".join(map(_short_hash, pairs))
    return Description(shape, _digest(text, shape), asked)


def shape(event: Mapping[str, object]) -> str:
    """Return the shape of an event. ValueError names the part that cannot be compared."""
    return describe(event).shape


def digest(event: Mapping[str, object]) -> int:
    """Compute the signed 64-bit digest of an event over its own shape."""
    return describe(event).digest


def canonical(event: Mapping[str, object]) -> str:
    """Return the canonical form of an event over its own shape. ValueError names a bad field."""
    return _described(event)[2]


def field_hashes(event: Mapping[str, object], shape: str) -> Iterator[tuple[str, str]]:
    """Yield each field of a shape with its hash, as in `asked`; empty if a part is missing."""
    for name, part in form_of(shape).items():
        pair = _over(event, {name: part}, {})
        yield name, "" if pair is None else _short_hash(pair)


def digests_over(event: Mapping[str, object], shapes: Sequence[str]) -> list[int]:
    """Compute an event's digest over each shape, except those of which the event lacks a part."""
    whole: dict[str, str | None] = {}
    digests = []
    for shape in shapes:
        form, doubles = _compared(shape)
        text = _over(event, form, whole)
        if text is not None:
            digests.append(signed_hash((text + doubles).encode()))
    return digests


def names_of(shape: str) -> tuple[str, ...]:
    """Return the names of the top-level fields in a shape, sorted."""
    return tuple(form_of(shape))


def form_at(form: Form, step: str | int) -> Form:
    """Return the form of a field of an object, or of an element of a list."""
    if isinstance(form, int):
        return _WHOLE
    if isinstance(form, Mapping):
        return form.get(str(step), _WHOLE)
    return form[0 if len(form) == 1 else int(step)]


def canonical_over(value: object, form: Form) -> str:
    """Return the canonical form of a value that is compared whole, or as a double. ValueError."""
    return canonical_double(value) if form == _DOUBLE else canonical_value(value)


def _digest(text: str, shape: str) -> int:
    """Hash a canonical form over a shape."""
    return signed_hash((text + _compared(shape)[1]).encode())


@functools.lru_cache(maxsize=4096)
def _compared(shape: str) -> tuple[Mapping[str, Form], str]:
    """Return the form of a shape, and what its digest also covers: the shape, if it has doubles."""
    form = form_of(shape)
    return form, shape if _has_double(form) else ""


def _has_double(form: Form) -> bool:
    if isinstance(form, int):
        return form == _DOUBLE
    return any(map(_has_double, form.values() if isinstance(form, Mapping) else form))


def _short_hash(pair: str) -> str:
    digest: str = xxhash.xxh32_hexdigest(pair.encode(), SEED)
    return digest


def signed_hash(content: bytes) -> int:
    """Compute XXH64 as a signed number, as in Arrow and Java."""
    unsigned: int = xxhash.xxh64_intdigest(content, SEED)
    return unsigned - (1 << 64) if unsigned >= 1 << 63 else unsigned


@functools.lru_cache(maxsize=4096)
def _names(names: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """Sort an event's names, and format its shape as if it had no objects and no doubles."""
    for name in names:
        canonical_text(name)
    ordered = tuple(sorted(names))
    return ordered, _written(dict.fromkeys(ordered, _WHOLE))


def _written(form: Mapping[str, Form]) -> str:
    """Format a shape."""
    is_flat = all(part == _WHOLE for part in form.values())
    if is_flat and all(map(_PLAIN_NAME.fullmatch, form)):
        return ",".join(form)
    return json.dumps(form, ensure_ascii=False, separators=(",", ":"))


# Typed, because 1, 1.0 and True are equal in Python and different in JSON.
@functools.lru_cache(maxsize=65536, typed=True)
def _scalar_pair(name: str, value: object) -> str:
    """Format a name and a value, marked if it is a double. TypeError if it is not a scalar."""
    if value is not None and not isinstance(value, str | int | float):
        raise TypeError
    mark = _MARK if isinstance(value, float) else ""
    return f"{canonical_text(name)}:{canonical_value(value)},{mark}"


def _described(event: Mapping[str, object]) -> tuple[str, list[str], str]:
    """Format an event's shape, and its fields: singly and joined. ValueError names a bad field."""
    try:
        names, flat = _names(tuple(event))
        try:
            pairs = [_scalar_pair(name, event[name]) for name in names]
        except TypeError:
            return _nested(event, names)
        text = "".join(pairs)
        return _with_marks(names, pairs) if _MARK in text else (flat, pairs, text)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise refusal(event, error) from None


def _with_marks(names: tuple[str, ...], marked: Sequence[str]) -> tuple[str, list[str], str]:
    """Format the shape and the fields, some of them doubles, of an event without objects."""
    shape = _flat_shape(names, tuple([pair[-1] == _MARK for pair in marked]))
    pairs = [pair.rstrip(_MARK) for pair in marked]
    return shape, pairs, "".join(pairs)


@functools.lru_cache(maxsize=4096)
def _flat_shape(names: tuple[str, ...], are_doubles: tuple[bool, ...]) -> str:
    forms = (_DOUBLE if is_double else _WHOLE for is_double in are_doubles)
    return _written(dict(zip(names, forms, strict=True)))


def _nested(event: Mapping[str, object], names: Sequence[str]) -> tuple[str, list[str], str]:
    """Format the shape and the fields of an event that contains objects or lists."""
    form = {name: _form(event[name], 1) for name in names}
    pairs = [f"{canonical_key(name)}:{canonical_value(event[name])}," for name in names]
    return _written(form), pairs, "".join(pairs)


def _form(value: object, depth: int) -> Form:
    if depth > MAX_DEPTH:
        raise RecursionError
    if isinstance(value, Mapping):
        return {key: _form(value[key], depth + 1) for key in sorted(value)}
    if isinstance(value, list | tuple):
        forms = [_form(item, depth + 1) for item in value]
        if all(form == _WHOLE for form in forms):
            return _WHOLE
        return forms[:1] if all(form == forms[0] for form in forms) else forms
    return _DOUBLE if isinstance(value, float) else _WHOLE


@functools.lru_cache(maxsize=4096)
def form_of(shape: str) -> Mapping[str, Form]:
    """Parse a shape. ValueError if it is invalid."""
    if not shape.startswith("{"):
        return dict.fromkeys((name for name in shape.split(",") if name), _WHOLE)
    form: Mapping[str, Form] = json.loads(shape)
    return form


class _LackingError(Exception):
    """An event lacks a part of a shape."""


def _over(
    event: Mapping[str, object], form: Mapping[str, Form], whole: dict[str, str | None]
) -> str | None:
    """Format an event over a form; None if a part is missing or has no canonical form.

    `whole` caches the pairs of those fields that are compared whole.
    """
    if not form.keys() <= event.keys():
        return None
    pairs = []
    try:
        for name, part in form.items():
            if part == _WHOLE:
                pair = whole.get(name)
                if pair is None:
                    pair = whole[name] = _whole_pair(name, event[name])
            else:
                pair = f"{canonical_key(name)}:{_projected(event[name], part)},"
            pairs.append(pair)
    except (_LackingError, ValueError, RecursionError):
        # No request of this shape matches: it would have had the part, and a canonical form.
        return None
    return "".join(pairs)


def _whole_pair(name: str, value: object) -> str:
    """Format a pair that is compared whole; short values, which often recur, from a cache."""
    if type(value) is str and len(value) <= _LONGEST_CACHED:
        return _scalar_pair(name, value)
    if type(value) is int and -_CACHED < value < _CACHED:
        return _scalar_pair(name, value)
    return f"{canonical_key(name)}:{canonical_value(value)},"


def _projected(value: object, form: Form) -> str:
    """Format the part of a value that a form compares."""
    if isinstance(form, int):
        return canonical_over(value, form)
    if isinstance(form, Mapping):
        if not isinstance(value, Mapping) or not form.keys() <= value.keys():
            raise _LackingError
        pairs = [
            f"{canonical_key(key)}:{_projected(value[key], part)}" for key, part in form.items()
        ]
        return "{" + ",".join(pairs) + "}"
    if not isinstance(value, list | tuple) or len(form) not in {1, len(value)}:
        raise _LackingError
    parts = form if len(form) > 1 else [*form] * len(value)
    return "[" + ",".join(map(_projected, value, parts)) + "]"
