"""Patterns: what the exceptions of a class have in common, as a hint at their cause.

Three kinds are looked for: exceptions that share a value (event type, service process, generator,
partition), that were sent within a part of the run, or that have consecutive offsets.

The rule: a pattern is reported only if it is unlikely by chance. The exceptions are compared with
their population (`populations.py`), as if they had been drawn from it at random. The probability
that they have the pattern, times the number of values or places that could have shown it, must be
below 1 in 1,000; it is computed as an upper bound (`chance.py`). A value or a part of the run must
also hold all of the exceptions, or at least half of them and twice as many as chance would give it.
Consecutive offsets are compared with the part of the run in which the exceptions lie, so that an
outage is not reported again as one batch in each partition. Ids are never a pattern: a request gets
the next number, so consecutive ids say no more than the time when they were sent.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.dataset as ds

from headcount_analysis.causes import chance
from headcount_analysis.causes.consecutive_offsets import consecutive_offsets, described
from headcount_analysis.causes.exceptions_of_class import ExceptionsOfClass, read_class
from headcount_analysis.causes.percent import percent
from headcount_analysis.causes.populations import (
    Population,
    RunValues,
    ValueCounts,
    population_of,
    run_values,
)
from headcount_analysis.causes.run_part import RunPart, closest_part
from headcount_analysis.classes_and_flags import FLAGS, Counts, Fate

_FATES = (Fate.LOST, Fate.DUPLICATED, Fate.GHOST, Fate.ABSENT, Fate.RECOVERED, Fate.REFUSED)
LOOKED_FOR = (*(fate.value for fate in _FATES), *FLAGS)
"""The classes and flags that are searched for patterns."""

_TEXTS = {"event_type", "server"}
"""Columns that are read as dictionaries, which is faster."""

FEWEST_EXCEPTIONS = 3
"""The fewest exceptions that make a pattern."""

_LARGEST_PART = 0.9
"""A larger part of the run says little."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """What `count` of the `total` exceptions of a class or flag have in common.

    `filters` make the report's page show these (see `report/html/exception_links.py`).
    """

    of: str
    count: int
    total: int
    what: str
    filters: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """Format it as one line."""
        return f"{self.some}: {self.what}"

    @property
    def some(self) -> str:
        """How many exceptions of the class have it, in words."""
        if self.count == self.total:
            return f"all {self.total:,} {self.of}"
        return f"{self.count:,} of {self.total:,} {self.of}"


@dataclass(frozen=True, slots=True)
class _SharedColumn:
    """A column whose values exceptions may share: what a value is called, and its filter."""

    name: str
    noun: str
    value: str
    filter_name: str = ""
    population: str = ""

    def phrase(self, value: object, population: Population, *, is_whole: bool, share: str) -> str:
        whole = f"all {self.population or population.value} of this {self.noun}"
        about = whole if is_whole else f"which has {share} of all {population.value}"
        return f"{self.value.format(value)}, {about}"


_SHARED = (
    _SharedColumn("event_type", "type", "event type {}", "type", "events"),
    _SharedColumn("server", "process", "process {}", "process"),
    _SharedColumn("generator", "generator", "generator {}"),
    _SharedColumn("acked_partition", "partition", "acknowledged in partition {}", "partition"),
    _SharedColumn("partition", "partition", "in partition {}", "partition"),
)


def patterns(fates: Path | None, counts: Counts) -> tuple[Pattern, ...]:
    """Search `fates.parquet` for patterns.

    Args:
        fates: The attempts; without them there are no patterns.
        counts: Of the whole run; a class or flag with fewer than FEWEST_EXCEPTIONS is not read.

    Raises:
        OSError: A file cannot be read.
    """
    totals = {
        name: total for name in LOOKED_FOR if (total := counts.as_dict()[name]) >= FEWEST_EXCEPTIONS
    }
    if fates is None or not totals:
        return ()
    columns = [column.name for column in _SHARED]
    dataset = ds.dataset(fates, format=ds.ParquetFileFormat(dictionary_columns=_TEXTS))
    run = run_values(dataset, columns)
    groups = (read_class(dataset, name, total, columns) for name, total in totals.items())
    return tuple(pattern for group in groups for pattern in _patterns(dataset, group, run))


def _patterns(dataset: ds.Dataset, group: ExceptionsOfClass, run: RunValues) -> Iterator[Pattern]:
    population = population_of(group.name)
    yield from _shared(group, run.columns, population)
    part = _part(dataset, group, run, population)
    if part is not None:
        yield Pattern(group.name, part.count, group.total, str(part), part.filters)
    drawn, places = group.total, run.columns["acked_partition"].total(population)
    if part is not None:
        drawn, places = part.count, part.placed
    ranges = consecutive_offsets(group.partitions, group.offsets, drawn, places)
    if ranges:
        count = sum(offset_range.count for offset_range in ranges)
        yield Pattern(group.name, count, group.total, described(ranges))


def _shared(
    group: ExceptionsOfClass, counts: Mapping[str, ValueCounts], population: Population
) -> Iterator[Pattern]:
    """Find the values that most exceptions share, but not the whole run."""
    partitions = set()
    for column in _SHARED:
        value, sharing, known = group.most_frequent(column.name)
        of_run = counts[column.name]
        whole, total = of_run.count(value, population), of_run.total(population)
        if known < group.total or not _is_telling(sharing, known, whole, total):
            continue
        likely = chance.of_sharing(sharing, known, whole / total)
        if (
            likely + math.log(of_run.distinct(population)) >= chance.UNLIKELY
            or (column.noun, value) in partitions
        ):
            continue
        # An event is usually in the partition that acknowledged it: name that partition only once.
        partitions.add((column.noun, value))
        is_whole = sharing == whole
        what = column.phrase(value, population, is_whole=is_whole, share=percent(whole / total))
        filters = {column.filter_name: str(value)} if column.filter_name else {}
        yield Pattern(group.name, sharing, group.total, what, filters)


def _is_telling(sharing: int, drawn: int, whole: int, total: int) -> bool:
    """Whether all exceptions share a value, or at least half of them and twice the run's share.

    A value that the whole run shares tells nothing.
    """
    if sharing < FEWEST_EXCEPTIONS or whole >= total:
        return False
    return sharing == drawn or (2 * sharing >= drawn and sharing * total >= 2 * whole * drawn)


def _part(
    dataset: ds.Dataset, group: ExceptionsOfClass, run: RunValues, population: Population
) -> RunPart | None:
    """Find the part of the run that holds all or most exceptions."""
    part = closest_part(dataset, group, run, population)
    if part is None or part.share > _LARGEST_PART:
        return None
    if not _is_telling(part.count, group.total, part.size, part.total):
        return None
    return (
        part if chance.of_closeness(part.count, group.total, part.share) < chance.UNLIKELY else None
    )
