"""Thresholds judged: what a run measured, held against what it must keep to.

A threshold of a part of the run looks at the requests that were sent in that part, counted from the
first request of all. It is unproven if nothing was measured for it, if the run ended before that
part did, or if what was measured is not known well enough: a gate that is never tried is no gate,
and no proof that it would not have held either. What does not hold in what was seen is broken.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from headcount.run.manifest import Abort
from headcount.run.verdict import Result
from headcount.thresholds.grammar import Threshold, Window
from headcount_analysis.measure.metric_values import Measurement, measured
from headcount_analysis.measure.samples import WindowSample


@dataclass(frozen=True, slots=True)
class ThresholdResult:
    """A threshold, what was measured for it (None if nothing was), and whether it holds.

    `doubt` says why it is unproven all the same, `remark` what should stand beside the value.
    """

    threshold: Threshold
    value: float | None
    abort: Abort | None = None
    doubt: str = ""
    remark: str = ""

    @property
    def result(self) -> Result:
        """What came of it; one that has stopped the test is broken."""
        if self.abort is not None:
            return Result.BROKEN
        if self.value is None or self.doubt:
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
        if self.value is None:
            return ": ".join(filter(None, ("nothing was measured", self.doubt)))
        shown = self.threshold.show(self.value)
        if self.doubt:
            return f"{shown}; not proven: {self.doubt}"
        return f"{shown} ({self.remark})" if self.remark else shown

    def __str__(self) -> str:
        """Say it in a line."""
        return f"{self.threshold.text}: {self.shown}"


def judged(
    thresholds: Iterable[Threshold],
    samples: Mapping[Window, WindowSample],
    abort: Abort | None = None,
) -> tuple[ThresholdResult, ...]:
    """Hold what was measured in each part of the run against the thresholds of that part.

    `abort` tells of the threshold that has stopped the test, if one did.
    """
    return tuple(
        _judged(
            each,
            samples[each.window],
            abort if abort is not None and abort.threshold == each.text else None,
        )
        for each in thresholds
    )


def _judged(threshold: Threshold, sample: WindowSample, abort: Abort | None) -> ThresholdResult:
    found = measured(threshold, sample)
    return ThresholdResult(
        threshold, found.value, abort, _doubt(threshold, sample, found), found.remark
    )


def _doubt(threshold: Threshold, sample: WindowSample, found: Measurement) -> str:
    """Say why a threshold cannot be told from what was measured; empty if it can."""
    if found.value is None:
        return sample.unfilled or found.doubt
    if threshold.holds(found.least) != threshold.holds(found.most):
        return found.doubt
    if not threshold.holds(found.value):
        return ""
    if found.is_empty:
        return found.doubt
    return sample.unfilled
