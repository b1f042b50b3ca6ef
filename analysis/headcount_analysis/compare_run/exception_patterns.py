"""Patterns: what the exceptions of a class have in common, as a hint at their cause.

A pattern is reported only if it sets the exceptions apart from the rest of the run: that all lost
events went through one process means nothing if there was only one process.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pyarrow.dataset as ds

from headcount_analysis.classes_and_flags import FLAGS, Fate

LOOKED_FOR = (
    Fate.LOST,
    Fate.DUPLICATED,
    Fate.GHOST,
    Fate.ABSENT,
    Fate.RECOVERED,
    Fate.REFUSED,
    *FLAGS,
)
"""The classes and flags that are searched for patterns."""

FEWEST = 3
"""The fewest exceptions that make a pattern; this many consecutive ones are not a coincidence."""

MOST = 200_000
"""The most exceptions of a class that are examined: the first ones stored."""

SHORT_SPAN = 0.1
"""A time span is short if it is at most this fraction of the run's."""

NAMED_RUNS = 3

_SHARED = {
    "generator": "generator",
    "server": "the service's process",
    "acked_partition": "acknowledged in partition",
    "partition": "in partition",
    "event_type": "event type",
}
_READ = ("seq", "sent_at_ns", "acked_offset", *_SHARED, "fate", *FLAGS)


@dataclass(frozen=True, slots=True)
class Pattern:
    """What `count` of the `total` exceptions of a class or flag have in common."""

    of: str
    count: int
    total: int
    what: str

    def __str__(self) -> str:
        """Format it as one line."""
        some = f"all {self.total}" if self.count == self.total else f"{self.count} of {self.total}"
        return f"{some} {self.of}: {self.what}"


@dataclass(frozen=True, slots=True)
class _WholeRun:
    """The values of each shared column in the whole run, and its time span."""

    by_column: Mapping[str, frozenset[object]]
    span_ns: int


def patterns(fates: Path | None) -> tuple[Pattern, ...]:
    """Search `fates.parquet` for patterns; return none without it. Raises OSError."""
    if fates is None:
        return ()
    dataset = ds.dataset(fates, format="parquet")
    run: _WholeRun | None = None
    patterns_found: list[Pattern] = []
    for name in LOOKED_FOR:
        condition = pc.field(name) if name in FLAGS else pc.field("fate") == str(name)
        total = dataset.count_rows(filter=condition)
        if total < FEWEST:
            continue
        run = run or _run(dataset)
        frame = dataset.head(MOST, columns=list(_READ), filter=condition).to_pandas()
        for count, what in _in_common(frame, run):
            patterns_found.append(Pattern(str(name), count, len(frame), what))
    return tuple(patterns_found)


def _run(dataset: ds.Dataset) -> _WholeRun:
    values: dict[str, set[object]] = {name: set() for name in _SHARED}
    first_ns, last_ns = [], []
    for batch in dataset.to_batches(columns=[*_SHARED, "sent_at_ns"]):
        for name, known in values.items():
            known.update(pc.unique(batch[name].drop_null()).to_pylist())
        span = pc.min_max(batch["sent_at_ns"]).as_py()
        if span["min"] is not None:
            first_ns.append(span["min"])
            last_ns.append(span["max"])
    span_ns = max(last_ns) - min(first_ns) if first_ns else 0
    return _WholeRun({name: frozenset(known) for name, known in values.items()}, span_ns)


def _in_common(frame: pd.DataFrame, run: _WholeRun) -> Iterator[tuple[int, str]]:
    yield from _shared(frame, run)
    yield from _time_span(frame, run)
    runs = _consecutive(frame, "generator", "seq")
    if runs:
        yield _described(runs, "contiguous ids of", "generator")
    batches = _consecutive(frame, "acked_partition", "acked_offset")
    if batches:
        yield _described(
            batches, "contiguous offsets, as in one batch, acknowledged in", "partition"
        )


def _shared(frame: pd.DataFrame, run: _WholeRun) -> Iterator[tuple[int, str]]:
    """Find values that all exceptions share, but not the whole run."""
    for column, name in _SHARED.items():
        known = frame[column].dropna()
        if len(known) < len(frame) or len(run.by_column[column]) < 2:  # noqa: PLR2004
            continue
        value = known.iloc[0]
        if known.eq(value).all():
            yield len(frame), f"{name} {int(value) if isinstance(value, float) else value}"


def _time_span(frame: pd.DataFrame, run: _WholeRun) -> Iterator[tuple[int, str]]:
    sent = frame["sent_at_ns"].dropna()
    if len(sent) < FEWEST or not run.span_ns:
        return
    span_ns = int(sent.max()) - int(sent.min())
    if span_ns <= SHORT_SPAN * run.span_ns:
        began = pd.to_datetime(int(sent.min()), unit="ns", utc=True).strftime("%H:%M:%S.%f")[:-3]
        yield len(sent), f"sent within {span_ns / 1e9:.3f} s, from {began} UTC"


@dataclass(frozen=True, slots=True)
class _NumberRange:
    """Consecutive numbers, `first` to `last`, of one generator or partition."""

    place: int
    first: int
    last: int

    @property
    def count(self) -> int:
        return self.last - self.first + 1

    def __str__(self) -> str:
        return f"{self.first} to {self.last}"


def _consecutive(frame: pd.DataFrame, place: str, number: str) -> list[_NumberRange]:
    """Find ranges of at least FEWEST consecutive numbers, the longest first."""
    known = frame[[place, number]].dropna().astype("int64").drop_duplicates()
    ordered = known.sort_values([place, number])
    places, numbers = ordered[place].to_numpy(), ordered[number].to_numpy()
    breaks = np.flatnonzero((np.diff(numbers) != 1) | (np.diff(places) != 0)) + 1
    ranges = [
        _NumberRange(int(places[part[0]]), int(numbers[part[0]]), int(numbers[part[-1]]))
        for part in np.split(np.arange(len(numbers)), breaks)
        if len(part) >= FEWEST
    ]
    return sorted(ranges, key=lambda numbers: -numbers.count)


def _described(ranges: list[_NumberRange], what: str, place: str) -> tuple[int, str]:
    named = "; ".join(f"{place} {numbers.place}, {numbers}" for numbers in ranges[:NAMED_RUNS])
    more = f"; and {len(ranges) - NAMED_RUNS} more" if len(ranges) > NAMED_RUNS else ""
    return sum(numbers.count for numbers in ranges), f"{what} {named}{more}"
