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
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import xxhash

from headcount.ledger.canonical_json import (
    MAX_DEPTH,
    canonical_key,
    canonical_text,
    canonical_value,
    refusal,
)

SEED = 42

MAX_ASKED = 256
"""A canonical form of more characters is not kept, only a hash of each field."""

HASHED, HASH_LENGTH = "~", 8

_WHOLE = 0
"""A form: the value is compared whole."""

Form = Mapping[str, "Form"] | Sequence["Form"] | int
"""A shape as it is worked with; the keys of a mapping are sorted."""

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,99}", re.ASCII)


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
        canonical_text(name)
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
    return f"{canonical_text(name)}:{canonical_value(value)},"


def _described(event: Mapping[str, object]) -> tuple[str, list[str]]:
    """Write the shape of an event, and its fields in order. ValueError names what has no form."""
    try:
        names, flat = _names(tuple(event))
        try:
            return flat, [_scalar_pair(name, event[name]) for name in names]
        except TypeError:
            return _nested(event, names)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise refusal(event, error) from None


def _nested(event: Mapping[str, object], names: Sequence[str]) -> tuple[str, list[str]]:
    """Write the shape and the fields of an event with objects or lists in it."""
    form = {name: _form(event[name], 1) for name in names}
    pairs = [f"{canonical_key(name)}:{canonical_value(event[name])}," for name in names]
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
            pair = f"{canonical_key(name)}:{text},"
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
        pairs = [
            f"{canonical_key(key)}:{_projected(value[key], part)}" for key, part in form.items()
        ]
        return "{" + ",".join(pairs) + "}"
    if not isinstance(value, list | tuple) or len(form) not in {1, len(value)}:
        raise _LackingError
    parts = form if len(form) > 1 else [*form] * len(value)
    return "[" + ",".join(map(_projected, value, parts)) + "]"
