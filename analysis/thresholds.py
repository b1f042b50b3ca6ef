"""Thresholds judged: what a run measured, held against what it must keep to.

A threshold of a part of the run looks at the requests that were sent in that part, counted from the
first request of all. One that nothing was measured for is unproven: a gate that is never tried is
no gate, and no proof that it would not have held either.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from analysis import tally
from analysis.classes import Counts, total
from analysis.latency import Bucket, Measure, counted, distributions, latency_ms
from headcount.metrics import OF_MESSAGES, Kind
from headcount.run import Abort
from headcount.thresholds import Threshold, Window
from headcount.verdict import Result


@dataclass(frozen=True, slots=True)
class Sample:
    """What was measured in a part of the run: counts, durations by event type, and its length."""

    by_event_type: Mapping[str, Counts]
    buckets: tuple[Bucket, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Judged:
    """A threshold, what was measured for it (None if nothing was), and whether it holds."""

    threshold: Threshold
    value: float | None
    abort: Abort | None = None

    @property
    def result(self) -> Result:
        """What came of it; one that has stopped the test is broken."""
        if self.abort is not None:
            return Result.BROKEN
        if self.value is None:
            return Result.UNPROVEN
        return Result.KEPT if self.threshold.holds(self.value) else Result.BROKEN

    @property
    def holds(self) -> bool:
        """Whether what was measured keeps to it."""
        return self.result is Result.KEPT

    @property
    def shown(self) -> str:
        """What was measured, as its limit is written."""
        if self.abort is not None:
            return f"{self.abort.measured}, and the test was stopped"
        return "nothing was measured" if self.value is None else self.threshold.show(self.value)

    def __str__(self) -> str:
        """Say it in a line."""
        return f"{self.threshold.text}: {self.shown}"


def judged(
    thresholds: Iterable[Threshold], samples: Mapping[Window, Sample], abort: Abort | None = None
) -> tuple[Judged, ...]:
    """Hold what was measured in each part of the run against the thresholds of that part.

    `abort` tells of the threshold that has stopped the test, if one did.
    """
    return tuple(
        Judged(
            each,
            measured(each, samples[each.window]),
            abort if abort is not None and abort.threshold == each.text else None,
        )
        for each in thresholds
    )


def measured(threshold: Threshold, sample: Sample) -> float | None:
    """What a threshold looks at, in the unit of its limit; None if there was nothing to measure."""
    if threshold.kind is Kind.DURATION:
        return _duration_ms(threshold, sample.buckets)
    counts = _counts(threshold, sample.by_event_type)
    match threshold.kind:
        case Kind.RATIO:
            failed = counts.failed + counts.indeterminate
            return failed / counts.attempted if counts.attempted else None
        case Kind.RATE:
            return counts.attempted / sample.seconds if sample.seconds > 0 else None
        case _:
            is_of_requests = threshold.metric not in OF_MESSAGES
            if is_of_requests and not counts.attempted:
                return None
            return float(getattr(counts, threshold.metric))


def _counts(threshold: Threshold, by_event_type: Mapping[str, Counts]) -> Counts:
    if threshold.event_type is None:
        return total(by_event_type.values())
    return by_event_type.get(threshold.event_type, Counts())


def _duration_ms(threshold: Threshold, buckets: Iterable[Bucket]) -> float | None:
    measure, event_type = Measure(threshold.metric), threshold.event_type
    mine = [
        each
        for each in buckets
        if each.measure is measure and event_type in {None, each.event_type}
    ]
    return latency_ms(mine, threshold.aggregate, threshold.quantile) if mine else None


def samples(
    windows: Iterable[Window],
    whole: Sample,
    fates: Path,
    sent_ns: tuple[int, int] | None,
    event_types: Sequence[str],
) -> dict[Window, Sample]:
    """Measure parts of the run; each is a pass over the fates.

    Args:
        windows: The parts.
        whole: What was measured in all of it, but for its length.
        fates: Where `fates.parquet` is.
        sent_ns: When the first and the last request was sent; None where none was.
        event_types: The types to tell apart.
    """
    wanted = set(windows)
    if sent_ns is None:
        return dict.fromkeys(wanted, Sample({}, (), 0.0))
    first, last = sent_ns
    found = {}
    for window in wanted:
        if window.is_whole:
            found[window] = replace(whole, seconds=(last - first) / 1e9)
            continue
        start = first + round(window.after_s * 1e9)
        end = last + 1 if window.for_s is None else start + round(window.for_s * 1e9)
        seconds = max(0.0, (min(end, last) - start) / 1e9)
        found[window] = _sample(_sent_between(fates, start, end), event_types, seconds)
    return found


def _sent_between(fates: Path, start_ns: int, end_ns: int) -> Iterator[pa.Table]:
    sent = pc.field("sent_at_ns")
    scanner = ds.dataset(fates, format="parquet").scanner(
        filter=(sent >= start_ns) & (sent < end_ns)
    )
    return (pa.Table.from_batches([batch]) for batch in scanner.to_batches() if len(batch))


def _sample(parts: Iterable[pa.Table], event_types: Sequence[str], seconds: float) -> Sample:
    attempts, durations = [], []
    for part in parts:
        attempts.append(tally.of_fates(part, event_types))
        durations.append(counted(part, event_types))
    by_event_type = tally.merged_attempts(attempts).by_event_type
    return Sample(by_event_type, distributions(durations), seconds)
