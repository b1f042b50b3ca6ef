"""Field differences: which fields of a message differ from the request, and how."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from headcount.ledger.canonical_json import pointer
from headcount.ledger.digest import (
    HASH_LENGTH,
    HASHED,
    Form,
    canonical_over,
    field_hashes,
    form_at,
    form_of,
)
from headcount_analysis.messages.json_message import Object, ParsedMessage, parse

MOST_FIELDS = 20
"""The most fields of a message that are listed."""

_LONGEST_VALUE, _LONGEST_NAME = 60, 100
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that differs; `description` has the requested and the actual value, if known."""

    field: str
    description: str

    def __str__(self) -> str:
        """Format the field and how it differs."""
        return f"{self.field}: {self.description}"


@dataclass(frozen=True, slots=True)
class EventDifferences:
    """The fields that differ in a corrupted event, and its message's position."""

    partition: int
    offset: int
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Differences:
    """The differences of corrupted events, by id; `looked_at` is how many were examined."""

    by_id: Mapping[str, EventDifferences] = field(default_factory=dict)
    looked_at: int = 0

    @property
    def notes(self) -> Iterator[str]:
        """Name the fields that differ most often, each with a sample."""
        counts: Counter[str] = Counter()
        samples: dict[str, str] = {}
        for compared in self.by_id.values():
            where = f"partition {compared.partition}, offset {compared.offset}"
            for difference in compared.differences:
                counts[difference.field] += 1
                samples.setdefault(difference.field, f"{difference.description}, in {where}")
        for name, count in counts.most_common(_MOST_NAMED):
            yield (
                f"{name} differs in {count} of the {self.looked_at} corrupted events that were "
                f"examined: {samples[name]}"
            )
        if len(counts) > _MOST_NAMED:
            yield f"and {len(counts) - _MOST_NAMED} more fields differ: see exceptions.csv"


def differences(asked: str | None, shape: str, value: bytes | None) -> tuple[Difference, ...]:
    """List the fields of a message that differ from the request in the ledger."""
    parsed = parse(value)
    if parsed.event is None:
        return ()
    fields = [Difference(name[:_LONGEST_NAME], "it occurs twice") for name in parsed.repeated]
    if asked is not None and asked.startswith(HASHED):
        fields += _hashed(asked.removeprefix(HASHED), shape, parsed.event)
    elif asked is not None:
        fields += _within((), _event(asked), parsed.event, form_of(shape))
    return tuple(fields[:MOST_FIELDS])


def _event(asked: str) -> Object:
    return _parsed(parse(f"{{{asked.removesuffix(',')}}}".encode()))


def _parsed(parsed: ParsedMessage) -> Object:
    return {} if parsed.event is None else parsed.event


def _hashed(hashes: str, shape: str, event: Object) -> Iterator[Difference]:
    for place, (name, actual) in enumerate(field_hashes(event, shape)):
        if hashes[place * HASH_LENGTH : (place + 1) * HASH_LENGTH] != actual:
            description = "found " + _shown(event[name]) if name in event else "it is missing"
            yield Difference(name[:_LONGEST_NAME], description)


Path = tuple[str | int, ...]


def _within(path: Path, asked: object, seen: object, form: Form) -> Iterator[Difference]:
    """Compare all requested values, to any depth."""
    if isinstance(asked, Mapping) and isinstance(seen, Mapping):
        for name, value in asked.items():
            if name in seen:
                yield from _within((*path, name), value, seen[name], form_at(form, name))
            else:
                yield _difference((*path, name), f"requested {_shown(value)}, but it is missing")
    elif isinstance(asked, list) and isinstance(seen, list) and len(asked) == len(seen):
        for place, (one, other) in enumerate(zip(asked, seen, strict=True)):
            yield from _within((*path, place), one, other, form_at(form, place))
    elif _canonical(asked, form) != _canonical(seen, form):
        yield _difference(path, f"requested {_shown(asked)}, found {_shown(seen)}")


def _difference(path: Path, description: str) -> Difference:
    return Difference(pointer(path)[:_LONGEST_NAME], description)


def _canonical(value: object, form: Form) -> str | None:
    try:
        return canonical_over(value, form)
    except (ValueError, RecursionError):
        return None  # an unbounded number, or a value nested too deep


def _shown(value: object) -> str:
    text = _canonical(value, 0) or "a value that cannot be compared"
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
