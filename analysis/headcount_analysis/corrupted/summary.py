"""The summary of corrupted events: which fields differ, how often, and by which values."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from headcount.noun_counts import number, times
from headcount_analysis.causes.exception_patterns import FEWEST_EXCEPTIONS, Pattern
from headcount_analysis.corrupted.counts import (
    DifferenceCounts,
    DifferingField,
    FieldCount,
    FieldSet,
    Values,
)
from headcount_analysis.corrupted.table import DifferenceSample
from headcount_analysis.messages.field_differences import DifferenceKind, described

MOST_SENTENCES = 10
SAMPLED_SETS = 20
"""At most this many sets of fields, the most frequent, have samples here; the table has more."""

_MOST_VALUES, _MOST_TYPES, _MOST_PATTERNS = 3, 3, 3


@dataclass(frozen=True, slots=True)
class Differences:
    """The differences of all `corrupted` events of a run.

    `table` has a row for each of them (see `table.py`); None if there are none, or if they could
    not be compared: `why_not` then says why.
    """

    corrupted: int = 0
    counts: DifferenceCounts = field(default_factory=DifferenceCounts)
    samples: Mapping[FieldSet, Sequence[DifferenceSample]] = field(default_factory=dict)
    table: Path | None = None
    why_not: str = ""

    @property
    def sentences(self) -> tuple[str, ...]:
        """Say which fields differ, the most frequent first. All outputs show these sentences."""
        return tuple(self._sentences())

    def _sentences(self) -> Iterator[str]:
        if self.why_not:
            yield f"could not determine which fields differ: {self.why_not}"
            return
        by_field = _by_field(self.counts.fields)
        for counted in by_field[:MOST_SENTENCES]:
            yield counted.sentence(self.corrupted, of_types=len(self._event_types))
        if others := by_field[MOST_SENTENCES:]:
            yield f"{number(len(others), 'more differing field')}: see verdict.json"
        if self.counts.unknown:
            yield (
                f"for {self.counts.unknown:,} of {self.corrupted:,} corrupted events it is unknown "
                "which fields differ: the ledger did not keep the requested values, or the message "
                "could not be read again"
            )

    @property
    def _event_types(self) -> frozenset[str]:
        return frozenset(key.event_type for key in self.counts.sets)

    @property
    def patterns(self) -> Iterator[Pattern]:
        """Yield the most frequent sets of fields as patterns."""
        frequent = [item for item in self.counts.most_frequent if item[0].fields]
        for key, count in frequent[:_MOST_PATTERNS]:
            if count >= FEWEST_EXCEPTIONS:
                yield Pattern("corrupted", count, self.corrupted, self._in_common(key))

    def _in_common(self, key: FieldSet) -> str:
        names = [f"`{name}` ({kind})" for name, kind in key.fields[:MOST_SENTENCES]]
        more = len(key.fields) - len(names)
        listed = ", ".join([*names, f"{more} more"] if more > 0 else names)
        verb = "differs" if len(key.fields) == 1 else "differ"
        return f"event type {key.event_type}: {listed} {verb}"


@dataclass(frozen=True, slots=True)
class _FieldInAll:
    """A field that differs in one way, counted over all event types."""

    field: str
    kind: str
    count: FieldCount
    event_types: tuple[str, ...]

    def sentence(self, corrupted: int, of_types: int) -> str:
        about = f"{_share(self.count.count, corrupted)} of {corrupted:,} corrupted events"
        if of_types > len(self.event_types):
            names = [*self.event_types[:_MOST_TYPES]]
            more = len(self.event_types) - len(names)
            about += f", of type {', '.join([*names, f'{more} more'] if more > 0 else names)}"
        return f"`{self.field}`: {self._values()} ({about})"

    def _values(self) -> str:
        """List the values, if they are few; otherwise give a sample."""
        count = self.count
        most = sorted(count.values.items(), key=lambda item: (-item[1], str(item[0])))
        listed = most[:_MOST_VALUES]
        rest = count.count - sum(number for _, number in listed)
        if not listed or rest * 2 > count.count:
            return f"{times(count.count)}, such as {self._described(count.sample)}"
        parts = [f"{self._described(pair)}, {times(number)}" for pair, number in listed]
        return "; ".join([*parts, f"other values, {times(rest)}"] if rest else parts)

    def _described(self, pair: Values) -> str:
        return described(self.kind, *pair)


def _by_field(counts: Mapping[DifferingField, FieldCount]) -> list[_FieldInAll]:
    """Add up the counts over event types, the most frequent field first."""
    by_field: dict[tuple[str, str], _FieldInAll] = {}
    for name in sorted(counts):
        key, more = (name.field, name.kind), counts[name]
        if name.kind == DifferenceKind.MORE:
            continue
        known = by_field.get(key)
        by_field[key] = (
            _FieldInAll(*key, more, (name.event_type,))
            if known is None
            else _FieldInAll(*key, known.count + more, (*known.event_types, name.event_type))
        )
    return sorted(
        by_field.values(), key=lambda counted: (-counted.count.count, counted.field, counted.kind)
    )


def _share(count: int, total: int) -> str:
    """Format a share; less than all is not rounded up to 100 %."""
    return "100 %" if count == total else f"{min(100 * count / total, 99.9):.3g} %"
