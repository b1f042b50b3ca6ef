"""The comparison as a page: a single HTML file that works offline, on a phone and in print."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from headcount_analysis.compare import charts, words
from headcount_analysis.compare.change import Change
from headcount_analysis.compare.change_chart import change_figure
from headcount_analysis.compare.limits import LimitState
from headcount_analysis.compare.model import RunComparison, Versus
from headcount_analysis.report.html.figure import Figure
from headcount_analysis.report.html.page_files import chart_script, chart_style, hashes_of
from headcount_analysis.report.html.templates import template

_CLASSES = {LimitState.KEPT: "pass", LimitState.BROKEN: "fail", LimitState.UNKNOWN: "inconclusive"}


@dataclass(frozen=True, slots=True)
class ComparisonTable:
    """A table for the page: header cells and rows, all text; `classes` has each row's CSS class."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    classes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """The part of the page that compares one side with the base."""

    title: str
    sentences: tuple[str, ...]
    figure: Figure | None
    tables: tuple[ComparisonTable, ...]


def render(comparison: RunComparison) -> str:
    """Return the page as HTML."""
    scripts = [chart_script()]
    runs = [run for side in comparison.sides for run in side.runs]
    return template(Path(__file__).with_name("page.html")).render(
        comparison=comparison,
        style=chart_style(),
        scripts=scripts,
        script_hashes=hashes_of(scripts),
        headline=words.headline(comparison),
        result_class=_result_class(comparison),
        limits=_limits(comparison),
        sections=tuple(_section(comparison, each) for each in comparison.others),
        figures=tuple(charts.overlaid(comparison)),
        lacking=charts.lacking(runs),
        runs=_runs(comparison),
    )


def _result_class(comparison: RunComparison) -> str:
    """Return the CSS class of the headline: of a fact that got worse, or of the worst limit."""
    if any(words.worse_of(comparison, each) for each in comparison.others):
        return _CLASSES[LimitState.BROKEN]
    for state in (LimitState.BROKEN, LimitState.UNKNOWN, LimitState.KEPT):
        if comparison.of_state(state):
            return _CLASSES[state]
    return "neutral"


def _limits(comparison: RunComparison) -> ComparisonTable:
    rows = tuple(
        (each.limit.text, each.state.value, words.limit(each), each.side)
        for each in comparison.limits
    )
    classes = tuple(_CLASSES[each.state] for each in comparison.limits)
    header = ("limit", "result", "change", "side")
    return ComparisonTable("Limits on the change against base", header, rows, classes)


def _section(comparison: RunComparison, versus: Versus) -> Section:
    name = versus.side.name
    by_type = (
        _table(f"Event type {event_type}", _of_type(versus, event_type))
        for event_type in versus.event_types
    )
    return Section(
        title=f"{name} against base",
        sentences=tuple(words.sentences(comparison, versus)),
        figure=change_figure(versus),
        tables=(_table("Over all event types", versus.in_total), *by_type),
    )


def _of_type(versus: Versus, event_type: str) -> tuple[Change, ...]:
    return tuple(each for each in versus.changes if each.metric.event_type == event_type)


def _table(caption: str, changes: tuple[Change, ...]) -> ComparisonTable:
    rows = tuple((words.plain(each.metric), *words.cells(each)) for each in changes)
    classes = tuple("significant" if each.is_significant else "" for each in changes)
    return ComparisonTable(caption, ("metric", *words.HEADER), rows, classes)


def _runs(comparison: RunComparison) -> ComparisonTable:
    header = ("run", "side", "verdict", "started", "requests", "duration")
    return ComparisonTable("The runs", header, tuple(_run_rows(comparison)))


def _run_rows(comparison: RunComparison) -> Iterator[tuple[str, ...]]:
    for side in comparison.sides:
        for run in side.runs:
            document = run.document
            attempted = (document.counts or {}).get("attempted", 0)
            span = "unknown" if document.span_s is None else f"{document.span_s:,.1f} s"
            verdict = document.label.value
            yield run.run_id, side.name, verdict, document.created_at, f"{attempted:,}", span
