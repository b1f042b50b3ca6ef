"""Threshold results: the measurements of a run, compared with its thresholds.

A threshold on a part of the run covers the requests sent in that part; its times count from the
first request. A threshold is unproven if nothing was measured, if the run ended before the part
did, or if the measurement is too uncertain: a gate that is never tried is no gate, but it did not
fail either. A threshold whose limit the measured value violates is broken.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from headcount.run.manifest import Abort
from headcount.run.verdict import Result
from headcount.thresholds.grammar import Threshold, Window
from headcount_analysis.measure.metric_values import Measurement, measured
from headcount_analysis.measure.window_samples import WindowSample


@dataclass(frozen=True, slots=True)
class ThresholdResult:
    """A threshold, its measured value (None without one), and whether it holds.

    `doubt` says why the threshold is unproven despite a value; `remark` qualifies the value.
    """

    threshold: Threshold
    value: float | None
    abort: Abort | None = None
    doubt: str = ""
    remark: str = ""

    @property
    def result(self) -> Result:
        """The result; a threshold that stopped the test is broken."""
        if self.abort is not None:
            return Result.BROKEN
        if self.value is None or self.doubt:
            return Result.UNPROVEN
        return Result.KEPT if self.threshold.holds(self.value) else Result.BROKEN

    @property
    def holds(self) -> bool:
        """Whether the run kept the threshold."""
        return self.result is Result.KEPT

    @property
    def shown(self) -> str:
        """The measured value in the unit of the limit, with its doubt or remark."""
        if self.abort is not None:
            return f"{self.abort.measured}, and the test was stopped"
        if self.value is None:
            return ": ".join(filter(None, ("nothing was measured", self.doubt)))
        shown = self.threshold.show(self.value)
        if self.doubt:
            return f"{shown}; not proven: {self.doubt}"
        return f"{shown} ({self.remark})" if self.remark else shown

    def __str__(self) -> str:
        """Format the threshold and its value in one line."""
        return f"{self.threshold.text}: {self.shown}"


def judged(
    thresholds: Iterable[Threshold],
    samples: Mapping[Window, WindowSample],
    abort: Abort | None = None,
) -> tuple[ThresholdResult, ...]:
    """Compare each threshold with the measurements of its part of the run.

    `abort` names the threshold that stopped the test, if one did.
    """
    return tuple(
        _judged(
            threshold,
            samples[threshold.window],
            abort if abort is not None and abort.threshold == threshold.text else None,
        )
        for threshold in thresholds
    )


def _judged(threshold: Threshold, sample: WindowSample, abort: Abort | None) -> ThresholdResult:
    measurement = measured(threshold, sample)
    return ThresholdResult(
        threshold,
        measurement.value,
        abort,
        _doubt(threshold, sample, measurement),
        measurement.remark,
    )


def _doubt(threshold: Threshold, sample: WindowSample, measurement: Measurement) -> str:
    """Return why the measurement does not decide the threshold; empty if it does."""
    if sample.unplaced:
        return sample.unplaced
    if measurement.value is None:
        return sample.unfilled or measurement.doubt
    if not _is_decided(threshold, measurement):
        return measurement.doubt
    if not threshold.holds(measurement.value):
        return ""
    if measurement.is_empty:
        return measurement.doubt
    return sample.unfilled


def _is_decided(threshold: Threshold, measurement: Measurement) -> bool:
    """Return whether every value within the bounds gives the same result."""
    least, most = measurement.least, measurement.most
    if threshold.comparison in {"==", "!="}:
        return least == most or not least <= threshold.limit <= most
    return threshold.holds(least) == threshold.holds(most)
