"""Counts: how many corrupted events differ in which fields, in which way and by which values.

An event counts once, however many of its copies are corrupted, and the counts of sets of fields add
up to the corrupted events.
"""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from headcount_analysis.messages.field_differences import Difference

MOST_SETS = 1_000
"""At most this many sets of fields are listed, the most frequent ones; the rest are added up."""

MOST_FIELDS = 5_000
"""At most this many fields are counted; only a hostile service can make more of them differ."""

MOST_VALUES = 200
"""At most this many pairs of values of a field are counted; if there are more, none are."""


@dataclass(frozen=True, slots=True, order=True)
class FieldSet:
    """The requested event type, and the fields that differ, with the kinds of difference."""

    event_type: str
    fields: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, event_type: str, fields: Iterable[Difference]) -> "FieldSet":
        """Make the set of some differences."""
        return cls(
            event_type,
            tuple(sorted((difference.field, str(difference.kind)) for difference in fields)),
        )


@dataclass(frozen=True, slots=True, order=True)
class DifferingField:
    """A field that differs in events of a type, and how."""

    event_type: str
    field: str
    kind: str


Values = tuple[str | None, str | None]
"""The asked and the found value; None if it was not kept, or not found."""


@dataclass(frozen=True, slots=True)
class FieldCount:
    """How many events differ in a field; `values` adds up to `count`, or is empty.

    It is empty if there are too many different values; `sample` is one of them.
    """

    count: int
    sample: Values
    values: Mapping[Values, int] = field(default_factory=dict)

    def __add__(self, other: "FieldCount") -> "FieldCount":
        """Add two counts of the same field."""
        values: dict[Values, int] = {}
        if self.values and other.values:
            values = dict(self.values)
            for pair, count in other.values.items():
                values[pair] = values.get(pair, 0) + count
        few = values if len(values) <= MOST_VALUES else {}
        return FieldCount(self.count + other.count, self.sample, few)


@dataclass(frozen=True, slots=True)
class DifferenceCounts:
    """The counts of corrupted events.

    `sets` and `beyond`, the events whose set is not listed, add up to `events`. An event whose
    differing fields are unknown has an empty set. If `is_complete` is false, there were too many
    sets or fields to count all, so a listed one may have more events than its count.
    """

    events: int = 0
    sets: Mapping[FieldSet, int] = field(default_factory=dict)
    fields: Mapping[DifferingField, FieldCount] = field(default_factory=dict)
    beyond: int = 0
    is_complete: bool = True

    @property
    def unknown(self) -> int:
        """The number of events whose differing fields are unknown."""
        return sum(count for key, count in self.sets.items() if not key.fields)

    @property
    def most_frequent(self) -> list[tuple[FieldSet, int]]:
        """The sets, the most frequent first."""
        return sorted(self.sets.items(), key=lambda item: (-item[1], item[0]))


@dataclass(slots=True)
class _FieldTally:
    """Counts the events that differ in a field, and their values as long as these are few."""

    sample: Values
    count: int = 0
    values: dict[Values, int] | None = field(default_factory=dict)

    def add(self, pair: Values, count: int) -> None:
        self.count += count
        if self.values is not None:
            self.values[pair] = self.values.get(pair, 0) + count
            if len(self.values) > MOST_VALUES:
                self.values = None


@dataclass(slots=True)
class DifferenceCounter:
    """Counts events as they are compared."""

    _events: int = 0
    _sets: dict[FieldSet, int] = field(default_factory=dict)
    _fields: dict[DifferingField, _FieldTally] = field(default_factory=dict)
    _is_complete: bool = True

    def add(self, event_type: str, differences: Sequence[Difference], count: int) -> FieldSet:
        """Count events of a type that differ in the same way; return their set of fields."""
        self._events += count
        key = FieldSet.of(event_type, differences)
        self._sets[key] = self._sets.get(key, 0) + count
        for difference in differences:
            name = DifferingField(event_type, difference.field, str(difference.kind))
            values = difference.asked, difference.actual
            if name not in self._fields and len(self._fields) >= MOST_FIELDS:
                self._is_complete = False
            else:
                self._fields.setdefault(name, _FieldTally(values)).add(values, count)
        return key

    def counts(self) -> DifferenceCounts:
        """Return the counts."""
        fields = {
            name: FieldCount(tally.count, tally.sample, tally.values or {})
            for name, tally in self._fields.items()
        }
        return _bounded(self._events, self._sets, fields, 0, is_complete=self._is_complete)


def merged_counts(parts: Sequence[DifferenceCounts]) -> DifferenceCounts:
    """Add up the counts of several blocks."""
    sets: dict[FieldSet, int] = {}
    fields: dict[DifferingField, FieldCount] = {}
    for part in parts:
        for key, count in part.sets.items():
            sets[key] = sets.get(key, 0) + count
        for name, of_field in part.fields.items():
            fields[name] = fields[name] + of_field if name in fields else of_field
    return _bounded(
        sum(part.events for part in parts),
        sets,
        dict(heapq.nlargest(MOST_FIELDS, fields.items(), key=lambda item: item[1].count)),
        sum(part.beyond for part in parts),
        is_complete=all(part.is_complete for part in parts) and len(fields) <= MOST_FIELDS,
    )


def _bounded(
    events: int,
    sets: Mapping[FieldSet, int],
    fields: Mapping[DifferingField, FieldCount],
    beyond: int,
    *,
    is_complete: bool,
) -> DifferenceCounts:
    listed = dict(heapq.nlargest(MOST_SETS, sets.items(), key=lambda item: item[1]))
    beyond += sum(sets.values()) - sum(listed.values())
    return DifferenceCounts(events, listed, dict(fields), beyond, is_complete and not beyond)
