"""Thresholds judged: what a run measured, held against what it must keep to.

A threshold of a part of the run looks at the requests that were sent in that part, counted from the
first request of all. One that nothing was measured for is broken: a gate that is never tried is no
gate.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - Spark's own convention

from analysis import tally
from analysis.classes import Counts, total
from analysis.latency import Bucket, Measure, distributions, latency_ms
from analysis.ledger import UNKNOWN
from headcount.metrics import OF_MESSAGES, Kind
from headcount.run import Abort
from headcount.thresholds import Threshold, Window


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
    def holds(self) -> bool:
        """Whether what was measured keeps to it; one that has stopped the test is broken."""
        return self.value is not None and self.abort is None and self.threshold.holds(self.value)

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
    windows: Iterable[Window], whole: Sample, fates: DataFrame, event_types: Sequence[str]
) -> dict[Window, Sample]:
    """Measure parts of the run; an action for its length, and two for each part.

    Args:
        windows: The parts.
        whole: What was measured in all of it, but for its length.
        fates: Of the columns `reconcile.FATES`.
        event_types: The types to tell apart.
    """
    wanted = set(windows)
    if not wanted:
        return {}
    sent = F.col("sent_at_ns")
    (span,) = fates.agg(F.min(sent).alias("first"), F.max(sent).alias("last")).collect()
    if span.first is None:
        return dict.fromkeys(wanted, Sample({}, (), 0.0))
    length_s = (span.last - span.first) / 1e9
    found = {}
    for window in wanted:
        if window.is_whole:
            found[window] = replace(whole, seconds=length_s)
            continue
        start = span.first + round(window.after_s * 1e9)
        end = span.last + 1 if window.for_s is None else start + round(window.for_s * 1e9)
        part = fates.where((sent >= start) & (sent < end))
        found[window] = Sample(
            tally.of_fates(part, event_types).by_event_type,
            distributions(part, event_types, UNKNOWN),
            max(0.0, (min(end, span.last) - start) / 1e9),
        )
    return found
