"""Measurements: what a threshold looks at, and how far the truth may be from what was measured.

What is not known exactly has bounds. A request without an answer took at least as long as it was
waited for. An event whose timestamp is no time took nobody knows how long. Where clocks differ,
times differ with them. A threshold is decided where it holds, or does not, within all the bounds.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from headcount.thresholds.grammar import Threshold
from headcount.thresholds.metrics import OF_MESSAGES, Kind
from headcount_analysis.compare_run.classes import Counts, total
from headcount_analysis.evidence import Checkable
from headcount_analysis.measure.histogram import Bucket, Measure
from headcount_analysis.measure.latency import latency_ms, ordered_buckets, rank
from headcount_analysis.measure.samples import Sample
from headcount_analysis.messages.timestamps import describe

_WHOLE_MS = 1.0
"""Timestamps are cut off to whole ms: a time that is negative by so much need not be."""
_NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Measurement:
    """A value in the unit of its limit, None if nothing was measured, and its bounds.

    `doubt` says why it is not known better, or why nothing was measured. `is_empty` if there was
    nothing that could have been otherwise. `remark` is what should stand beside the value.
    """

    value: float | None
    least: float = 0.0
    most: float = 0.0
    doubt: str = ""
    remark: str = ""
    is_empty: bool = False


def measured(threshold: Threshold, sample: Sample) -> Measurement:
    """Measure what a threshold looks at."""
    counts = _counts(threshold, sample)
    if threshold.kind is Kind.DURATION:
        is_end_to_end = threshold.metric == Measure.END_TO_END
        return _end_to_end(threshold, sample) if is_end_to_end else _of_requests(threshold, sample)
    if not counts.attempted and not _is_of_messages(threshold, sample):
        return Measurement(None, doubt=_nothing_sent(threshold))
    match threshold.kind:
        case Kind.RATIO:
            failed = counts.failed + counts.indeterminate
            return _exact(failed / counts.attempted)
        case Kind.RATE if sample.seconds <= 0:
            return Measurement(None, doubt="a single moment has no rate")
        case Kind.RATE:
            return _exact(counts.attempted / sample.seconds)
        case _:
            return _count(threshold, counts, sample)


def _exact(value: float) -> Measurement:
    return Measurement(value, value, value)


def _is_of_messages(threshold: Threshold, sample: Sample) -> bool:
    """Tell whether messages are counted, of a type that there is."""
    occurs = threshold.event_type is None or threshold.event_type in sample.by_event_type
    return occurs and threshold.metric in OF_MESSAGES


def _nothing_sent(threshold: Threshold) -> str:
    if threshold.event_type is None:
        return "no request was sent"
    return f"no request of event type {threshold.event_type} was sent"


def _counts(threshold: Threshold, sample: Sample) -> Counts:
    if threshold.event_type is None:
        return total(sample.by_event_type.values())
    return sample.by_event_type.get(threshold.event_type, Counts())


def _checkable(threshold: Threshold, sample: Sample) -> Checkable:
    if threshold.event_type is None:
        return sum(sample.checkable.values(), start=Checkable())
    return sample.checkable.get(threshold.event_type, Checkable())


def _count(threshold: Threshold, counts: Counts, sample: Sample) -> Measurement:
    value = float(getattr(counts, threshold.metric))
    known = _checkable(threshold, sample)
    looked_at, of, what = {
        "lost": (counts.acked, counts.attempted, "attempts were acknowledged"),
        "duplicated": (known.seen, known.seen, "events were seen"),
        "corrupted": (known.seen, known.seen, "events were seen"),
        "late": (known.timed, known.seen, "events have a time"),
        "misplaced": (known.placed, known.seen, "events have a place in their answers"),
        "reordered": (
            known.seen if sample.order is None else sample.order.events,
            _seen(sample),
            "events have another of their key to be in order with",
        ),
    }.get(threshold.metric, (1, 1, ""))
    text = f"{looked_at} of {of} {what}"
    remark = text if looked_at < of and threshold.metric != "lost" else ""
    return Measurement(value, value, value, text, remark, is_empty=looked_at == 0)


def _seen(sample: Sample) -> int:
    return sum(each.seen for each in sample.checkable.values())


def _of_requests(threshold: Threshold, sample: Sample) -> Measurement:
    """Measure how long requests took; of those without an answer only the least is known."""
    buckets = _buckets(threshold, sample)
    if not buckets:
        return Measurement(None, doubt=_nothing_sent(threshold))
    value = latency_ms(buckets, threshold.aggregate, threshold.quantile)
    count = sum(each.count for each in buckets)
    unanswered = sum(each.unanswered for each in buckets)
    told = f"{unanswered} of {count} had no answer and count with the time that was waited"
    most = _slowest_ms(threshold, _answered(buckets), count) if unanswered else value
    return Measurement(value, value, max(value, most), told, told if unanswered else "")


def _buckets(threshold: Threshold, sample: Sample) -> list[Bucket]:
    measure = Measure(threshold.metric)
    return [
        each
        for each in sample.buckets
        if each.measure is measure and threshold.event_type in {None, each.event_type}
    ]


def _answered(buckets: Iterable[Bucket]) -> list[tuple[int, float, float]]:
    """Give for each bucket how many have an answer, and between what durations, in order."""
    return [
        (each.count - each.unanswered, each.min_ns / _NS_PER_MS, each.max_ns / _NS_PER_MS)
        for each in ordered_buckets(buckets)
        if each.count > each.unanswered
    ]


def _slowest_ms(
    threshold: Threshold, known: Sequence[tuple[int, float, float]], count: int
) -> float:
    """Give the figure of so many durations if those that are not known took for ever."""
    if threshold.aggregate == "min":
        return known[0][1] if known else math.inf
    if threshold.quantile is None:
        return math.inf
    return _ranked_ms(known, rank(count, threshold.quantile))


def _ranked_ms(known: Sequence[tuple[int, float, float]], wanted: int) -> float:
    reached = 0
    for number, _, most_ms in known:
        reached += number
        if reached >= wanted:
            return most_ms
    return math.inf


def _end_to_end(threshold: Threshold, sample: Sample) -> Measurement:
    """Measure how long events took; timestamps and clocks bound how well that is known."""
    buckets = _buckets(threshold, sample)
    known = _checkable(threshold, sample)
    missing = max(0, known.seen - known.timed)
    looked_at = f"{known.timed} of {known.seen} events have a time: {describe(sample.unusable)}"
    if not buckets:
        doubt = looked_at if missing else "no event was seen"
        return Measurement(None, doubt=doubt)
    value = latency_ms(buckets, threshold.aggregate, threshold.quantile)
    if value < -_WHOLE_MS:
        negative = "no event enters the topic before it is asked for: the clocks differ"
        return Measurement(value, -math.inf, math.inf, negative)
    least, most, doubt = value, value, _clock_doubt(sample)
    if missing:
        count = known.timed + missing
        least, doubt = -math.inf, looked_at
        most = _slowest_ms(threshold, _answered(buckets), count)
    shorter, longer = _clock_error_ms(sample)
    remark = looked_at if missing else ""
    return Measurement(value, least - shorter, max(value, most) + longer, doubt, remark)


def _clock_error_ms(sample: Sample) -> tuple[float, float]:
    errors = [each.error_ms for each in sample.clocks]
    return (
        max((shorter for shorter, _ in errors), default=0.0),
        max((longer for _, longer in errors), default=0.0),
    )


def _clock_doubt(sample: Sample) -> str:
    worst = max(sample.clocks, key=lambda each: sum(each.error_ms), default=None)
    return "" if worst is None else worst.doubt
