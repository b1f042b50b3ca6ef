"""Changes: compares each figure of two sides, and decides whether the change exceeds noise."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from statistics import fmean, geometric_mean

from headcount.ledger.event_types import TOTAL, UNKNOWN
from headcount.ledger.logarithmic_buckets import WIDTH
from headcount.thresholds.evaluation import can_evaluate, evaluate
from headcount.thresholds.metrics import Metric, MetricKind, Needs, Worse, names_of
from headcount.thresholds.percentiles import PERCENTILE_NAMES
from headcount_analysis.compare_runs.facts import judged_in
from headcount_analysis.compare_runs.runs import Document, Side, VerifiedRun
from headcount_analysis.compare_runs.statistics import (
    Estimate,
    Interval,
    difference,
    ratio,
    significance_level,
)

AGGREGATES = ("mean", *PERCENTILE_NAMES, "max")
"""The aggregates that are compared; a limit can name `min` too."""

BROKER_RESOLUTION_MS = 1.0
"""Kafka's timestamps are whole ms, so percentiles of end-to-end times have this resolution."""

MOST_SPAN_ERROR = 0.01
"""A rate counts as certain if the run's length is known to within this share."""

NOISE_WITHIN = (-0.5, 1.0)
"""An interval that includes half or double is too wide to call a change noise."""

_UNUSED = ("attempted", "indeterminate")
"""The counts that include every reserved id without a row."""

_FROM_COUNTS = tuple(
    name
    for kind in (MetricKind.COUNT, MetricKind.RATE, MetricKind.RATIO)
    for name in names_of(kind)
)


class ChangeLabel(StrEnum):
    """How a change is labelled.

    A change of a fact that counts against a run is *worse* or *better*; of any other fact, *more*
    or *fewer*. A sampled figure is *noise* if its interval is narrow and includes zero; if the
    interval is missing, or wide and includes zero, the label is *cannot tell*.
    """

    WORSE = "worse"
    BETTER = "better"
    SAME = "same"
    NOISE = "noise"
    SLOWER = "slower"
    FASTER = "faster"
    MORE = "more"
    FEWER = "fewer"
    UNKNOWN = "cannot tell"
    NOT_MEASURED = "not measured"


_INSIGNIFICANT = frozenset(
    {ChangeLabel.NOISE, ChangeLabel.SAME, ChangeLabel.UNKNOWN, ChangeLabel.NOT_MEASURED}
)


@dataclass(frozen=True, slots=True)
class Change:
    """A metric on both sides: the figure of each run, and by how much it changed.

    `difference` is the change in the metric's own unit. `ratio` is the change as a share of the
    base, None for a fact, and if a figure is not positive. Both are None if a run lacks the metric.
    `is_certain` says whether every figure is known exactly.
    """

    metric: Metric
    base: tuple[float, ...]
    run: tuple[float, ...]
    difference: Estimate | None = None
    ratio: Estimate | None = None
    is_judged: bool = False
    is_certain: bool = True

    @property
    def is_fact(self) -> bool:
        """Whether the metric is counted, not sampled."""
        return self.metric.definition.is_fact

    @property
    def estimate(self) -> Estimate | None:
        """The change to show: as a share if possible."""
        return self.ratio or self.difference

    @property
    def label(self) -> ChangeLabel:
        """The label of the change."""
        estimate = self.estimate
        if estimate is None:
            return ChangeLabel.NOT_MEASURED
        if self.is_same or (self.is_fact and not estimate.change):
            return ChangeLabel.SAME
        if self.is_fact:
            return self._direction(estimate)
        if estimate.interval is None:
            return ChangeLabel.UNKNOWN
        if estimate.interval.includes_zero:
            return ChangeLabel.NOISE if self._is_narrow(estimate.interval) else ChangeLabel.UNKNOWN
        return self._direction(estimate)

    def _direction(self, estimate: Estimate) -> ChangeLabel:
        """Return the label of a change that is certain."""
        rises = estimate.change > 0
        is_worse = rises == (self.metric.definition.worse is Worse.RISING)
        if self.is_judged:
            return ChangeLabel.WORSE if is_worse else ChangeLabel.BETTER
        if self.metric.kind is MetricKind.DURATION:
            return ChangeLabel.SLOWER if is_worse else ChangeLabel.FASTER
        return ChangeLabel.MORE if rises else ChangeLabel.FEWER

    def _is_narrow(self, interval: Interval) -> bool:
        low, high = NOISE_WITHIN
        return self.ratio is not None and low < interval.low and interval.high < high

    @property
    def is_significant(self) -> bool:
        """Whether the change exceeds noise."""
        return self.label not in _INSIGNIFICANT

    @property
    def is_same(self) -> bool:
        """Whether every run has the same figure."""
        return len({*self.base, *self.run}) == 1

    @property
    def resolution(self) -> float:
        """The resolution of the figures, 0 if it is much finer than any change."""
        return resolution_of(self.metric, (*self.base, *self.run))

    def at_level(self, level: float) -> "Change":
        """Where an interval excludes zero, widen it to confidence 1 - level."""
        before, after, resolution = self.base, self.run, self.resolution
        change = self
        if _excludes_zero(self.difference):
            wider = difference(before, after, resolution, 1 - level)
            change = replace(change, difference=wider)
        if _excludes_zero(self.ratio):
            change = replace(change, ratio=ratio(before, after, resolution, 1 - level))
        return change

    def centre(self, side: Sequence[float]) -> float | None:
        """Return the mean of a side, geometric if `ratio` is set; None if it was not measured."""
        if not side:
            return None
        return fmean(side) if self.ratio is None else geometric_mean(side)


def _excludes_zero(estimate: Estimate | None) -> bool:
    """Return whether the interval, before any correction, excludes zero."""
    interval = None if estimate is None else estimate.interval
    return interval is not None and not interval.includes_zero


def resolution_of(metric: Metric, figures: Iterable[float]) -> float:
    """Return the resolution of a metric's figures, in its own unit."""
    if metric.aggregate in {"", "mean"}:
        return 0.0
    match metric.definition.needs:
        case Needs.TIMES:
            return BROKER_RESOLUTION_MS
        case Needs.FIRST_BYTES:
            return WIDTH * max(figures, default=0.0)
    return 0.0


def change_of(metric: Metric, base: Side, run: Side) -> Change:
    """Compare one metric of two sides."""
    is_certain = all(_is_certain(metric, verified.document) for verified in (*base.runs, *run.runs))
    return replace(_estimated(metric, base, run), is_certain=is_certain)


def _estimated(metric: Metric, base: Side, run: Side) -> Change:
    before, after = _figures(metric, base), _figures(metric, run)
    if len(before) < len(base.runs) or len(after) < len(run.runs):
        return Change(metric, before, after)
    if metric.definition.is_fact:
        is_judged = metric.name in judged_in((*base.runs, *run.runs))
        change = Estimate(fmean(after) - fmean(before))
        return Change(metric, before, after, difference=change, is_judged=is_judged)
    resolution = resolution_of(metric, (*before, *after))
    is_positive = all(value > 0 for value in (*before, *after))
    return Change(
        metric,
        before,
        after,
        difference=difference(before, after, resolution),
        ratio=ratio(before, after, resolution) if is_positive else None,
    )


def _figures(metric: Metric, side: Side) -> tuple[float, ...]:
    """Return the figure of each run that has one."""
    values = (measured(metric, run.document) for run in side.runs)
    return tuple(float(value) for value in values if value is not None)


def changes(base: Side, run: Side) -> tuple[Change, ...]:
    """Compare everything that either side measured: in total, then by event type."""
    runs = (*base.runs, *run.runs)
    return with_family_level(change_of(metric, base, run) for metric in _metrics(runs))


def with_family_level(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Widen intervals to correct a family of changes for multiple comparisons."""
    family = tuple(changes)
    estimates = (change.estimate for change in family if not change.is_same)
    level = significance_level(
        estimate.p_value for estimate in estimates if estimate and estimate.p_value is not None
    )
    return tuple(change.at_level(level) for change in family)


def measured(metric: Metric, document: Document) -> float | None:
    """Return a run's figure of a metric, in its own unit; None if nothing was measured."""
    if metric.kind is MetricKind.DURATION:
        return _duration_ms(metric, document)
    counts = _counts(metric.event_type, document)
    if not can_evaluate(metric, counts):
        return None
    return evaluate(metric, counts, document.span_s or 0.0)


def _counts(event_type: str | None, document: Document) -> dict[str, int]:
    """Return the counts; those in _UNUSED without the attempts that have no row or event type."""
    counts = document.by_event_type.get(event_type or "", {})
    if event_type is None:
        counts = document.counts or {}
    if event_type not in {None, UNKNOWN} or not document.rowless:
        return counts
    without = {name: max(0, counts.get(name, 0) - document.rowless) for name in _UNUSED}
    return {**counts, **without}


def _is_certain(metric: Metric, document: Document) -> bool:
    """Return whether a figure is known exactly.

    A reserved id without a row may have been used, for any event type; a message of an unknown
    event type may belong to any; and clocks that differ make the time span of a rate uncertain.
    """
    if metric.kind is MetricKind.RATE and document.span_s:
        error_s = document.span_error_s
        if error_s is None or error_s > MOST_SPAN_ERROR * document.span_s:
            return False
    if metric.definition.needs is Needs.MESSAGES and metric.event_type not in {None, UNKNOWN}:
        return not document.by_event_type.get(UNKNOWN, {}).get(metric.name, 0)
    is_from_attempts = metric.kind in {MetricKind.RATE, MetricKind.RATIO}
    is_from_attempts |= metric.name in {*_UNUSED, "absent"}
    return not (is_from_attempts and document.rowless)


def _duration_ms(metric: Metric, document: Document) -> float | None:
    wanted = metric.event_type or TOTAL
    for latency in document.latency_ms:
        if (latency.event_type, latency.measure) == (wanted, metric.name):
            known = {"min": latency.min_ms, "mean": latency.mean_ms, "max": latency.max_ms}
            for quantile, ms in latency.percentiles.items():
                known[f"p{100 * float(quantile):g}"] = ms
            return known.get(metric.aggregate)
    return None


def _metrics(runs: Sequence[VerifiedRun]) -> Iterator[Metric]:
    """Yield every metric that any run measured, except counts that are 0 in all runs."""
    types = sorted({name for run in runs for name in run.document.by_event_type})
    for event_type in (None, *types):
        metrics = (
            *(Metric(name, event_type) for name in _FROM_COUNTS),
            *(
                Metric(name, event_type, aggregate)
                for name in names_of(MetricKind.DURATION)
                for aggregate in AGGREGATES
            ),
        )
        for metric in metrics:
            values = {measured(metric, run.document) for run in runs}
            always = metric.name in {"attempted", "acked", "lost"} and event_type is None
            if (values - {None, 0}) or (always and values - {None}):
                yield metric
