"""A check for each threshold."""

from collections.abc import Iterable, Iterator

from headcount.run.verdict import Area, Check, Result
from headcount_analysis.measure.threshold_results import ThresholdResult


def checks(judged: Iterable[ThresholdResult]) -> Iterator[Check]:
    """Yield a check for each threshold, with the measured value as evidence."""
    for result in judged:
        mark = "" if result.result is Result.KEPT else f"threshold {result.result}: "
        yield Check(result.threshold.text, result.result, f"{mark}{result}", area=Area.THRESHOLDS)
