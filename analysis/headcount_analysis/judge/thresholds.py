"""A check for each threshold."""

from collections.abc import Iterable, Iterator

from headcount.run.verdict import Area, Check, Result
from headcount_analysis.measure.threshold_results import ThresholdResult


def checks(judged: Iterable[ThresholdResult]) -> Iterator[Check]:
    """Yield a check for each threshold, with the measured value as evidence."""
    for each in judged:
        mark = "" if each.result is Result.KEPT else f"threshold {each.result}: "
        yield Check(each.threshold.text, each.result, f"{mark}{each}", area=Area.THRESHOLDS)
