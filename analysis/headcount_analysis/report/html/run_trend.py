"""The trend: earlier runs of the scenario beside this one, to show whether this one is worse."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from headcount.ledger.event_types import TOTAL
from headcount.run.utc import clock_text
from headcount.run.verdict import Area, Check, Label, Result
from headcount_analysis.classes_and_flags import COUNT_KEYS
from headcount_analysis.measure.histogram import Measure
from headcount_analysis.report.earlier_run import EarlierDocument, EarlierRun
from headcount_analysis.report.html.earlier import FACTS, EarlierChange
from headcount_analysis.report.model import Report

MOST_ROWS = 20
"""How many runs the table shows, this one included."""

_LOST, _RATE = "lost", "rate"
_MEASURED = (
    ("HTTP p50", Measure.HTTP, 0.5),
    ("HTTP p99", Measure.HTTP, 0.99),
    ("end-to-end p99", Measure.END_TO_END, 0.99),
)
_FIGURES = (_RATE, *(name for name, _, _ in _MEASURED))
_COLOURS = dict(zip(_FIGURES, ("answered", "p50", "p99", "end-to-end"), strict=True))
_NONE = "-"
_TO_THE_MINUTE = len("2026-11-30 10:49")
_FEWEST = 2
"""A range needs this many earlier runs; a single one is compared with this run elsewhere."""


@dataclass(frozen=True, slots=True)
class TrendRun:
    """A run of the trend: what counts against it, and the figures that were measured.

    `counts` is None if nothing could be counted. `href` leads to its report, empty if there is
    none. The report's run is not compared with a run that had another load.
    """

    run_id: str
    began: str
    label: Label
    counts: Mapping[str, int] | None
    defects: tuple[str, ...]
    figures: Mapping[str, float]
    href: str = ""
    has_same_load: bool = True

    @property
    def is_comparable(self) -> bool:
        """Whether it is an earlier run that the report's run can be compared with."""
        return (
            self.has_same_load and self.counts is not None and self.label is not Label.INCONCLUSIVE
        )

    @property
    def lost(self) -> str:
        """The lost events."""
        return _NONE if self.counts is None else f"{self.counts.get(_LOST, 0):,}"

    @property
    def others(self) -> str:
        """The other defects."""
        counts = self.counts or {}
        texts = [f"{counts[name]:,} {name}" for name in self.defects if name != _LOST]
        return ", ".join(texts) or (_NONE if self.counts is None else "0")


@dataclass(frozen=True, slots=True)
class TrendCell:
    """A figure: its text, and its size in percent of the greatest in its column."""

    text: str
    percent: float
    colour: str


@dataclass(frozen=True, slots=True)
class RunTrend:
    """The trend: the runs of the table with their cells, this one first.

    `changes` has the ranges of the `compared` earlier runs; `since` is when the first of these
    began. `others` counts the earlier runs that are not in the table.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[TrendRun, tuple[TrendCell, ...]], ...]
    others: int
    compared: int = 0
    since: str = ""
    changes: tuple[EarlierChange, ...] = field(default=())

    @property
    def title(self) -> str:
        """What the table shows."""
        shown = len(self.rows) - 1
        if self.others:
            return f"This run and the last {shown} of {shown + self.others} earlier runs"
        return f"This run and {f'the {shown} runs' if shown > 1 else 'the run'} before it"


def run_trend(report: Report) -> RunTrend | None:
    """Compare a report with all earlier runs; None if there are none."""
    if not report.earlier:
        return None
    this, earlier = _this(report), [_earlier(run, report) for run in report.earlier]
    runs = [this, *earlier][:MOST_ROWS]
    columns = tuple(name for name in _FIGURES if any(name in run.figures for run in runs))
    rows = tuple(zip(runs, _cells(runs, columns), strict=True))
    others = 1 + len(earlier) - len(runs)
    comparable = [run for run in earlier if run.is_comparable]
    if len(comparable) < _FEWEST or this.counts is None:
        return RunTrend(columns, rows, others)
    changes = (*_counted(this, comparable), *_measured(this, comparable))
    return RunTrend(columns, rows, others, len(comparable), comparable[-1].began, changes)


def _this(report: Report) -> TrendRun:
    percentiles = {
        latency.measure.value: {f"{quantile:g}": ms for quantile, ms in latency.percentiles.items()}
        for latency in report.latencies
        if latency.event_type == TOTAL
    }
    return TrendRun(
        report.run_id,
        _began(report.manifest.created_at),
        report.label,
        None if report.counts is None else report.counts.as_dict(),
        _defects(report.checks),
        _figures(report.rates.achieved_per_s, percentiles),
    )


def _earlier(run: EarlierRun, report: Report) -> TrendRun:
    document = run.document
    return TrendRun(
        document.run_id,
        _began(document.created_at),
        document.label,
        document.counts,
        tuple(name for name in _defects(document.checks) if name in (document.counts or {})),
        _figures_of(document),
        run.href,
        run.has_same_load(report.manifest),
    )


def _began(created_at: str) -> str:
    return clock_text(created_at)[:_TO_THE_MINUTE]


def _figures_of(document: EarlierDocument) -> dict[str, float]:
    totals = [latency for latency in document.latency_ms if latency.event_type == TOTAL]
    rates = [latency.achieved_per_s for latency in totals]
    return _figures(
        rates[0] if rates else None, {latency.measure: latency.percentiles for latency in totals}
    )


def _figures(
    rate: float | None, percentiles: Mapping[str, Mapping[str, float]]
) -> dict[str, float]:
    """Return the figures of a run; the keys of `percentiles` are a measure, then a quantile."""
    figures = {} if rate is None else {_RATE: rate}
    for name, measure, quantile in _MEASURED:
        ms = percentiles.get(measure.value, {}).get(f"{quantile:g}")
        if ms is not None:
            figures[name] = ms
    return figures


def _defects(checks: Sequence[Check]) -> tuple[str, ...]:
    """Return the classes and flags of which there were more than the run allows."""
    return tuple(
        check.name
        for check in checks
        if check.area is Area.DELIVERY
        and check.result is Result.BROKEN
        and check.name in COUNT_KEYS
    )


def _cells(runs: Sequence[TrendRun], columns: Sequence[str]) -> Iterator[tuple[TrendCell, ...]]:
    greatest = {name: max(run.figures.get(name, 0.0) for run in runs) for name in columns}
    for run in runs:
        yield tuple(_cell(name, run.figures.get(name), greatest[name]) for name in columns)


def _cell(name: str, figure: float | None, greatest: float) -> TrendCell:
    if figure is None:
        return TrendCell(_NONE, 0.0, _COLOURS[name])
    percent = 100 * figure / greatest if greatest > 0 else 0.0
    return TrendCell(f"{figure:,.1f}{_unit(name)}", percent, _COLOURS[name])


def _unit(name: str) -> str:
    return "/s" if name == _RATE else " ms"


def _counted(this: TrendRun, earlier: Sequence[TrendRun]) -> Iterator[EarlierChange]:
    """Yield the losses, counts above or below all the earlier ones, and what is new."""
    new = []
    for name in FACTS:
        counts = [(run.counts or {}).get(name, 0) for run in earlier]
        low, high, now = min(counts), max(counts), (this.counts or {}).get(name, 0)
        is_better = now < low and this.label is not Label.INCONCLUSIVE
        text = f"{name} {_range(low, high)} → {now:,}"
        if now > high == 0:
            new.append(name)
        elif now > high or is_better:
            yield EarlierChange(text, "worse" if now > high else "better")
        elif name == _LOST:
            is_same = low == high == now
            yield EarlierChange(f"{now:,} lost, as in all of them" if is_same else text)
    if new:
        yield EarlierChange(f"never before: {', '.join(new)}", "worse")


def _range(low: int, high: int) -> str:
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _measured(this: TrendRun, earlier: Sequence[TrendRun]) -> Iterator[EarlierChange]:
    """Yield the ranges of the HTTP p99 and of the rate, and this run's values beside them."""
    for name in ("HTTP p99", _RATE):
        known = [run.figures[name] for run in earlier if name in run.figures]
        now = this.figures.get(name)
        if now is None or len(known) < _FEWEST:
            continue
        low, high = min(known), max(known)
        extreme = " (the highest)" if now > high else " (the lowest)" if now < low else ""
        yield EarlierChange(f"{name} {low:,.1f} to {high:,.1f} → {now:,.1f}{_unit(name)}{extreme}")
