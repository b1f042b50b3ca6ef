"""Field differences: which fields of a message differ from the request, and how."""

import functools
from collections.abc import Iterator, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from headcount.ledger.canonical_json import canonical_value, pointer
from headcount.ledger.event_digest import (
    HASH_LENGTH,
    HASHED,
    Form,
    canonical_over,
    field_hashes,
    form_at,
    form_of,
)
from headcount.run.secret_names import LEFT_OUT, is_secret
from headcount_analysis.messages.json_message import Object, ParsedMessage, parse

MOST_FIELDS = 50
"""At most this many fields of a message are listed; a last entry says how many others differ."""

_LONGEST_VALUE, _LONGEST_NAME = 60, 100
_MOST_REMEMBERED = 4096


class DifferenceKind(StrEnum):
    """How a field differs."""

    MISSING = "missing"
    TYPE = "type"
    """The value is of another JSON type, such as a text instead of a number."""
    VALUE = "value"
    UNKNOWN = "type or value"
    """Of a long event the ledger keeps only a hash of each field."""
    REPEATED = "repeated"
    """The message has the key twice, so it is ambiguous."""
    MORE = "more"
    """Stands for all fields beyond MOST_FIELDS."""


class Difference(NamedTuple):
    """A field that differs: a top-level one by its name, any other by a JSON pointer.

    `asked` and `actual` are values as short JSON texts, never those of fields that may be secret;
    None if the ledger did not keep what was asked, or if nothing is found.
    """

    field: str
    kind: DifferenceKind
    asked: str | None = None
    actual: str | None = None

    def __str__(self) -> str:
        """Format the field and how it differs."""
        return f"{self.field}: {described(self.kind, self.asked, self.actual)}"


def described(kind: str, asked: str | None, actual: str | None) -> str:
    """Say how a field differs, with the asked and the found value."""
    if kind == DifferenceKind.MORE:
        return "not listed"
    if kind == DifferenceKind.REPEATED:
        return "the key occurs twice"
    requested = "a value that the ledger did not keep" if asked is None else asked
    return f"asked for {requested}, {'but missing' if actual is None else f'found {actual}'}"


def differences(asked: str | None, shape: str, message: ParsedMessage) -> tuple[Difference, ...]:
    """List the fields of a message that differ from the request in the ledger."""
    if message.event is None:
        return ()
    repeated = DifferenceKind.REPEATED
    fields = [Difference(name[:_LONGEST_NAME], repeated) for name in message.repeated]
    if asked is not None and asked.startswith(HASHED):
        fields += _hashed(asked.removeprefix(HASHED), shape, message.event)
    elif asked is not None:
        fields += _within((), _event(asked), message.event, form_of(shape), is_hidden=False)
    more = len(fields) - MOST_FIELDS
    rest = (Difference(f"{more} more fields", DifferenceKind.MORE),) if more > 0 else ()
    return (*fields[:MOST_FIELDS], *rest)


@functools.lru_cache(maxsize=_MOST_REMEMBERED)
def _event(asked: str) -> Object:
    event = parse(f"{{{asked.removesuffix(',')}}}".encode()).event
    return {} if event is None else event


def _hashed(hashes: str, shape: str, event: Object) -> Iterator[Difference]:
    for place, (name, actual) in enumerate(field_hashes(event, shape)):
        if hashes[place * HASH_LENGTH : (place + 1) * HASH_LENGTH] != actual:
            yield _difference(
                (name,),
                DifferenceKind.UNKNOWN if name in event else DifferenceKind.MISSING,
                actual=_shown(event[name]) if name in event else None,
                is_hidden=is_secret(name),
            )


Path = tuple[str | int, ...]


def _within(
    path: Path, asked: object, seen: object, form: Form, *, is_hidden: bool
) -> Iterator[Difference]:
    """Compare all requested values, to any depth."""
    if isinstance(asked, dict) and isinstance(seen, Mapping):
        for name, value in asked.items():
            hides = is_hidden or is_secret(name)
            if name not in seen:
                missing = DifferenceKind.MISSING
                yield _difference((*path, name), missing, asked=_shown(value), is_hidden=hides)
            elif not _is_same(value, seen[name]):
                part = form_at(form, name)
                yield from _within((*path, name), value, seen[name], part, is_hidden=hides)
    elif isinstance(asked, list) and isinstance(seen, list) and len(asked) == len(seen):
        for place, (one, other) in enumerate(zip(asked, seen, strict=True)):
            part = form_at(form, place)
            yield from _within((*path, place), one, other, part, is_hidden=is_hidden)
    elif _canonical(asked, form) != _canonical(seen, form):
        is_typed = _type(asked) == _type(seen)
        kind = DifferenceKind.VALUE if is_typed else DifferenceKind.TYPE
        values = {"asked": _shown(asked), "actual": _shown(seen)}
        yield _difference(path, kind, **values, is_hidden=is_hidden)


def _is_same(asked: object, seen: object) -> bool:
    """Whether two values are equal texts or whole numbers: a quick test before the full one."""
    return type(asked) is type(seen) and type(asked) in {str, int} and asked == seen


def _type(value: object) -> str:
    """Return the JSON type of a value."""
    match value:
        case bool():
            return "boolean"
        case int() | float() | Decimal():
            return "number"
        case Mapping():
            return "object"
        case _:
            return type(value).__name__


def _difference(
    path: Path,
    kind: DifferenceKind,
    *,
    asked: str | None = None,
    actual: str | None = None,
    is_hidden: bool,
) -> Difference:
    shown = [LEFT_OUT if is_hidden and text is not None else text for text in (asked, actual)]
    return Difference(pointer(path)[:_LONGEST_NAME], kind, *shown)


def _canonical(value: object, form: Form) -> str | None:
    try:
        return canonical_over(value, form)
    except (ValueError, RecursionError):
        return None  # an unbounded number, or a value nested too deep


def _shown(value: object) -> str:
    try:
        text = canonical_value(_without_secrets(value))
    except (ValueError, RecursionError):
        text = "a value that cannot be compared"
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


def _without_secrets(value: object) -> object:
    """Replace the values of fields within an object that may be secret."""
    if isinstance(value, Mapping):
        return {
            name: LEFT_OUT if is_secret(name) else _without_secrets(item)
            for name, item in value.items()
        }
    return [_without_secrets(item) for item in value] if isinstance(value, list) else value
