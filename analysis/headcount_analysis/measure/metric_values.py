"""Metric values: the value that a threshold checks, and bounds on the true value.

A value that is not known exactly has bounds. A request without a response took at least as long as
the generator waited. An event without a usable timestamp took an unknown time. Clock offsets
shift times. A threshold is decided if it holds at both bounds, or at neither.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from headcount.ledger.event_types import UNKNOWN
from headcount.thresholds.evaluation import can_evaluate, evaluate
from headcount.thresholds.grammar import Threshold
from headcount.thresholds.metrics import METRICS, MetricKind, Needs
from headcount.thresholds.nearest_rank import bucket_at, nearest_rank
from headcount_analysis.classes_and_flags import Counts
from headcount_analysis.measure.count_bounds import CountBounds, count_bounds
from headcount_analysis.measure.histogram import Bucket, Measure
from headcount_analysis.measure.latency import latency_ms, ordered_buckets, percentile_bounds_ms
from headcount_analysis.measure.window_samples import WindowSample
from headcount_analysis.messages.timestamps import describe
from headcount_analysis.reconciliation.attempt_counts import Checkable

_WHOLE_MS = 1.0
"""Timestamps are truncated to whole ms, so a duration may look negative by up to this much."""
_NS_PER_MS = 1_000_000
_CORRUPTED = "corrupted"


@dataclass(frozen=True, slots=True)
class Measurement:
    """A value in the unit of its limit, None if nothing was measured, and its bounds.

    `doubt` says why the value is uncertain or missing. `is_empty` means that no check could have
    failed. `remark` qualifies the value.
    """

    value: float | None
    least: float = 0.0
    most: float = 0.0
    doubt: str = ""
    remark: str = ""
    is_empty: bool = False


def measured(threshold: Threshold, sample: WindowSample) -> Measurement:
    """Measure the metric of a threshold."""
    if threshold.kind is MetricKind.DURATION:
        return _DURATIONS[_needs(threshold)](threshold, sample)
    bounds = count_bounds(threshold, sample)
    if bounds is None or not can_evaluate(threshold.measures, bounds.certain.as_dict()):
        return Measurement(None, doubt=_nothing_sent(threshold))
    if threshold.kind is MetricKind.RATE:
        return _rate(threshold, bounds, sample)
    value, most = (
        evaluate(threshold.measures, counts.as_dict(), sample.seconds)
        for counts in (bounds.certain, bounds.possible)
    )
    assert value is not None
    assert most is not None
    if most != value:
        return Measurement(value, value, most, bounds.doubt, bounds.doubt)
    if threshold.kind is MetricKind.COUNT:
        return _count(threshold, float(value), bounds.certain, sample)
    return Measurement(value, value, value)


def _rate(threshold: Threshold, bounds: CountBounds, sample: WindowSample) -> Measurement:
    """Measure requests per second.

    The time is uncertain if generators' clocks may differ, or if a schedule went on without users:
    what they would have sent then is unknown.
    """
    shortest_s, longest_s = sample.seconds_bounds or (sample.seconds, sample.seconds)
    idle_doubt = sample.idle_doubt if threshold.window.for_s is None else ""
    longest_s += sample.idle_s if idle_doubt else 0.0
    value = evaluate(threshold.measures, bounds.certain.as_dict(), sample.seconds)
    if value is None:
        return Measurement(None, doubt="the requests span no time, so they have no rate")
    least = bounds.certain.attempted / longest_s
    if shortest_s == longest_s:
        least = value
    most = evaluate(threshold.measures, bounds.possible.as_dict(), shortest_s)
    doubts = [bounds.doubt, idle_doubt, sample.time_doubt if shortest_s < longest_s else ""]
    doubt = "; ".join(filter(None, doubts))
    return Measurement(value, least, math.inf if most is None else most, doubt, bounds.doubt)


def _needs(threshold: Threshold) -> Needs:
    return METRICS[threshold.metric].needs


def _nothing_sent(threshold: Threshold) -> str:
    if threshold.event_type is None:
        return "no request was sent"
    return f"no request of event type {threshold.event_type} was sent"


def _checkable(threshold: Threshold, sample: WindowSample) -> Checkable:
    if threshold.event_type is None:
        return sum(sample.checkable.values(), start=Checkable())
    return sample.checkable.get(threshold.event_type, Checkable())


def _count(threshold: Threshold, value: float, counts: Counts, sample: WindowSample) -> Measurement:
    """Measure a count; it is in doubt if nothing could be checked."""
    if _needs(threshold) is Needs.MESSAGES:
        return _messages(threshold, value, sample)
    checked, total, phrase = _coverage(threshold, counts, sample)
    coverage = f"{checked:,} of {total:,} {phrase}"
    is_partial = checked < total and _needs(threshold) is not Needs.ACKNOWLEDGED
    remark = coverage if is_partial else ""
    return Measurement(value, value, value, coverage, remark, is_empty=checked == 0)


def _messages(threshold: Threshold, value: float, sample: WindowSample) -> Measurement:
    """Count messages; those of an unknown type may have the event type of the threshold."""
    if threshold.event_type in {None, UNKNOWN}:
        return Measurement(value, value, value)
    untyped = sample.by_event_type.get(UNKNOWN, Counts()).as_dict()[threshold.metric]
    doubt = f"{untyped} {threshold.metric} messages have an unknown event type" if untyped else ""
    return Measurement(value, value, value + untyped, doubt, doubt)


def _coverage(threshold: Threshold, counts: Counts, sample: WindowSample) -> tuple[int, int, str]:
    """Return how many requests or events were checked, how many there are, and what was checked."""
    known = _checkable(threshold, sample)
    match _needs(threshold):
        case Needs.ACKNOWLEDGED:
            return counts.acked, counts.attempted, "attempts were acknowledged"
        case Needs.EVENTS:
            return _compared(threshold, known, sample)
        case Needs.TIMES:
            return known.timed, known.seen, "events have a usable timestamp"
        case Needs.PLACES:
            return known.placed, known.seen, "events have a partition and offset in their response"
        case Needs.KEYS:
            return _ordered(threshold, sample), known.seen, "events could be checked for order"
        case Needs.REQUESTS | Needs.MESSAGES | Needs.FIRST_BYTES:
            return 1, 1, ""


def _compared(threshold: Threshold, known: Checkable, sample: WindowSample) -> tuple[int, int, str]:
    if threshold.metric == _CORRUPTED and not sample.compares_content:
        return 0, known.seen, "events have content that is compared"
    return known.seen, known.seen, "events were seen"


def _ordered(threshold: Threshold, sample: WindowSample) -> int:
    """Count, for the threshold's event type and part of the run, the events with an order."""
    if threshold.event_type is not None:
        return sample.ordered.get(threshold.event_type, 0)
    if threshold.window.is_whole:
        return 0 if sample.order is None else sample.order.events
    return sum(sample.ordered.values())


def _of_requests(threshold: Threshold, sample: WindowSample) -> Measurement:
    """Measure how long requests took; one without a response took at least the time waited."""
    buckets = _buckets(threshold, sample)
    if not buckets:
        return Measurement(None, doubt=_nothing_sent(threshold))
    value = latency_ms(buckets, threshold.aggregate, threshold.quantile)
    count = sum(bucket.count for bucket in buckets)
    unanswered = sum(bucket.unanswered for bucket in buckets)
    remark = f"{unanswered:,} of {count:,} had no response; their durations are the time waited"
    most = _slowest_ms(threshold, _answered(buckets), count) if unanswered else value
    least, doubt = _least_ms(threshold, buckets, value)
    if most > value:
        doubt = remark
    return Measurement(value, least, max(value, most), doubt, remark if unanswered else "")


def _least_ms(threshold: Threshold, buckets: list[Bucket], value: float) -> tuple[float, str]:
    """Return the least value that the aggregate may have, and why it may be less than `value`."""
    if threshold.quantile is None:
        return value, ""
    least, most = percentile_bounds_ms(buckets, threshold.quantile)
    return least, f"it is between {least:,.7g} ms and {most:,.7g} ms" if least < most else ""


def _buckets(threshold: Threshold, sample: WindowSample) -> list[Bucket]:
    measure = Measure(threshold.metric)
    return [
        bucket
        for bucket in sample.buckets
        if bucket.measure is measure and threshold.event_type in {None, bucket.event_type}
    ]


def _answered(buckets: Iterable[Bucket]) -> list[tuple[int, float, float]]:
    """Return the number of responses and the duration range in ms of each bucket, in order."""
    return [
        (bucket.count - bucket.unanswered, bucket.min_ns / _NS_PER_MS, bucket.max_ns / _NS_PER_MS)
        for bucket in ordered_buckets(buckets)
        if bucket.count > bucket.unanswered
    ]


def _slowest_ms(
    threshold: Threshold, known: Sequence[tuple[int, float, float]], count: int
) -> float:
    """Return the aggregate of `count` durations if the unknown ones were infinite."""
    if threshold.aggregate == "min":
        return known[0][1] if known else math.inf
    if threshold.quantile is None:
        return math.inf
    cumulative = list(itertools.accumulate(number for number, _, _ in known))
    place = bucket_at(cumulative, nearest_rank(count, threshold.quantile))
    return known[place][2] if place < len(known) else math.inf


def _end_to_end(threshold: Threshold, sample: WindowSample) -> Measurement:
    """Measure how long events took, with bounds from missing timestamps and clock offsets."""
    buckets = _buckets(threshold, sample)
    known = _checkable(threshold, sample)
    missing = max(0, known.seen - known.timed)
    coverage = (
        f"{known.timed:,} of {known.seen:,} events have a usable timestamp: "
        f"{describe(sample.unusable)}"
    )
    if not buckets:
        doubt = coverage if missing else "no event was seen"
        return Measurement(None, doubt=doubt)
    value = latency_ms(buckets, threshold.aggregate, threshold.quantile)
    if value < -_WHOLE_MS:
        negative = "events seem to enter the topic before they were requested: the clocks differ"
        return Measurement(value, -math.inf, math.inf, negative)
    (least, doubt), most = _least_ms(threshold, buckets, value), value
    doubt = _clock_doubt(sample) or doubt
    if missing:
        count = known.timed + missing
        least, doubt = -math.inf, coverage
        most = _slowest_ms(threshold, _answered(buckets), count)
    shorter, longer = _clock_error_ms(sample)
    remark = coverage if missing else ""
    return Measurement(value, least - shorter, max(value, most) + longer, doubt, remark)


def _first_byte(threshold: Threshold, sample: WindowSample) -> Measurement:
    """Measure the time to the first byte; requests without a measured one widen the bounds."""
    buckets = _buckets(threshold, sample)
    counts = count_bounds(threshold, sample)
    attempted = 0 if counts is None else counts.possible.attempted
    known = sum(bucket.count for bucket in buckets)
    coverage = f"{known:,} of {attempted:,} requests have a measured first byte"
    if not buckets:
        return Measurement(None, doubt=coverage if attempted else _nothing_sent(threshold))
    value = latency_ms(buckets, threshold.aggregate, threshold.quantile)
    (least, doubt), missing = _least_ms(threshold, buckets, value), max(0, attempted - known)
    if not missing:
        return Measurement(value, least, value, doubt)
    least = _fastest_ms(threshold, _answered(buckets), missing, value)
    most = _slowest_ms(threshold, _answered(buckets), known + missing)
    return Measurement(value, least, max(value, most), coverage, coverage)


def _fastest_ms(
    threshold: Threshold, known: Sequence[tuple[int, float, float]], missing: int, value: float
) -> float:
    """Return the aggregate of all durations if the `missing` ones were 0."""
    if threshold.aggregate == "max":
        return value
    cumulative = list(itertools.accumulate(number for number, _, _ in known))
    count = cumulative[-1] + missing
    if threshold.quantile is None:
        return value * cumulative[-1] / count if threshold.aggregate == "mean" else 0.0
    rank = nearest_rank(count, threshold.quantile) - missing
    return known[bucket_at(cumulative, rank)][1] if rank > 0 else 0.0


def _clock_error_ms(sample: WindowSample) -> tuple[float, float]:
    errors = [clock.error_ms for clock in sample.clocks]
    return (
        max((shorter for shorter, _ in errors), default=0.0),
        max((longer for _, longer in errors), default=0.0),
    )


def _clock_doubt(sample: WindowSample) -> str:
    worst = max(sample.clocks, key=lambda clock: sum(clock.error_ms), default=None)
    return "" if worst is None else worst.doubt


_DURATIONS: Mapping[Needs, Callable[[Threshold, WindowSample], Measurement]] = {
    Needs.REQUESTS: _of_requests,
    Needs.TIMES: _end_to_end,
    Needs.FIRST_BYTES: _first_byte,
}
"""The function that measures a metric of durations, by what the metric needs."""
