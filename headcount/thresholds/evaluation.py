"""Evaluation: derives a count, a rate or a ratio from counts, in the same way for every caller.

A threshold is evaluated over a part of a run, a limit of change over whole runs, and an abort rule
over the run so far. The caller decides whether there is enough evidence. Durations are not computed
from counts: their percentiles are those of `nearest_rank.py`, or of a sketch while the test runs.
Pure.
"""

from collections.abc import Mapping

from headcount.thresholds.metrics import Metric, MetricKind, Needs

_NS_PER_S = 1_000_000_000


def can_evaluate(metric: Metric, counts: Mapping[str, int]) -> bool:
    """Return whether the counts allow a figure: without requests only messages can be counted."""
    return metric.definition.needs is Needs.MESSAGES or counts.get("attempted", 0) > 0


def evaluate(metric: Metric, counts: Mapping[str, int], seconds: float) -> float | None:
    """Return the figure in the metric's own unit, None if it cannot be computed.

    Args:
        metric: A count, a rate or a ratio.
        counts: Requests, outcomes, classes and flags by name.
        seconds: The time in which the requests were made, for a rate.

    Raises:
        ValueError: The metric is a duration.
    """
    attempted = counts.get("attempted", 0)
    match metric.kind:
        case MetricKind.COUNT:
            return counts.get(metric.name)
        case MetricKind.RATE:
            # Dividing integers rounds once: 7 requests in 0.07 s are exactly 100/s.
            span_ns = round(seconds * _NS_PER_S)
            return attempted * _NS_PER_S / span_ns if span_ns > 0 else None
        case MetricKind.RATIO:
            unacknowledged = counts.get("failed", 0) + counts.get("indeterminate", 0)
            return unacknowledged / attempted if attempted else None
        case MetricKind.DURATION:
            raise ValueError(f"{metric} is a duration, which does not follow from counts")
