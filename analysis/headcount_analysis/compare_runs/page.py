"""The comparison as a page: a single HTML file that works offline, on a phone and in print."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from headcount.run.utc import clock_text
from headcount.run.verdict import Label
from headcount.thresholds.metrics import Metric
from headcount_analysis.compare_runs import charts, words
from headcount_analysis.compare_runs.change import Change, ChangeLabel
from headcount_analysis.compare_runs.change_chart import change_figure
from headcount_analysis.compare_runs.facts import worst_label
from headcount_analysis.compare_runs.limits import LimitState
from headcount_analysis.compare_runs.model import RunComparison, Versus
from headcount_analysis.compare_runs.runs import Side
from headcount_analysis.report.html.figure import Figure
from headcount_analysis.report.html.page_files import chart_script, chart_style, hashes_of
from headcount_analysis.report.html.templates import template

_CLASSES = {LimitState.KEPT: "pass", LimitState.BROKEN: "fail", LimitState.UNKNOWN: "inconclusive"}
_FACT_CLASSES = {ChangeLabel.WORSE: "worse", ChangeLabel.BETTER: "better"}


@dataclass(frozen=True, slots=True)
class ComparisonTable:
    """A table for the page: header cells and rows, all text; `classes` has each row's CSS class."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    classes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """The part of the page that compares one side with the base.

    `facts` lists counted figures. Of the sampled ones, `certain` lists those that changed by more
    than noise, and `undecided` lists all others.
    """

    title: str
    facts: ComparisonTable
    sentences: tuple[str, ...]
    certain: ComparisonTable
    figure: Figure | None
    undecided: tuple[ComparisonTable, ...]

    @property
    def undecided_count(self) -> int:
        """The number of figures without a clear change."""
        return sum(len(table.rows) for table in self.undecided)


@dataclass(frozen=True, slots=True)
class ComparedRunLink:
    """A run in the head of the page; `href` leads to its report, empty if that place is unknown."""

    run_id: str
    label: Label
    href: str


def render(comparison: RunComparison, links: str = "") -> str:
    """Return the page as HTML; `links` is what the addresses of `RUN/report.html` begin with."""
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
        sides=tuple((side.name, _run_links(side, links)) for side in comparison.sides),
        sections=tuple(_section(comparison, versus) for versus in comparison.others),
        figures=tuple(charts.overlaid(comparison)),
        lacking=charts.lacking(runs),
        runs=_runs(comparison),
    )


def _result_class(comparison: RunComparison) -> str:
    """Return the CSS class of the headline: of a fact that got worse, or of the worst limit."""
    if any(words.worse_of(comparison, versus) for versus in comparison.others):
        return _CLASSES[LimitState.BROKEN]
    for state in (LimitState.BROKEN, LimitState.UNKNOWN, LimitState.KEPT):
        if comparison.of_state(state):
            return _CLASSES[state]
    return "neutral"


def _limits(comparison: RunComparison) -> ComparisonTable:
    rows = tuple(
        (limit.limit.text, limit.state.value, words.limit(limit), limit.side)
        for limit in comparison.limits
    )
    classes = tuple(_CLASSES[limit.state] for limit in comparison.limits)
    header = ("limit", "result", "change", "side")
    return ComparisonTable("Limits on the change against base", header, rows, classes)


def _run_links(side: Side, links: str) -> tuple[ComparedRunLink, ...]:
    return tuple(
        ComparedRunLink(
            run.run_id,
            run.document.label,
            f"{links.rstrip('/')}/{quote(run.run_id)}/report.html" if links else "",
        )
        for run in side.runs
    )


def _section(comparison: RunComparison, versus: Versus) -> Section:
    name = versus.side.name
    sampled = [change for change in versus.changes if not change.is_fact]
    certain = tuple(change for change in words.distinct(sampled) if change.is_significant)
    rest = tuple(change for change in sampled if not change.is_significant)
    by_type = (
        _table(f"Event type {event_type}", _of_type(rest, event_type))
        for event_type in versus.event_types
    )
    return Section(
        title=f"{name[0].upper()}{name[1:]} against base",
        facts=_facts(comparison, versus),
        sentences=tuple(words.sentences(comparison, versus)),
        certain=_table("Changed by more than noise", certain, words.readable),
        figure=change_figure(versus),
        undecided=(_table("Over all event types", _of_type(rest, None)), *by_type),
    )


def _facts(comparison: RunComparison, versus: Versus) -> ComparisonTable:
    """Return the verdicts, and the classes that occur on either side, in total and by type."""
    before, after = (worst_label(side) for side in (comparison.base, versus.side))
    changes = [
        change for change in versus.changes if change.is_fact and any((*change.base, *change.run))
    ]
    rows = [("verdict", before.value, after.value, "", _of_verdicts(before, after).value)]
    for change in changes:
        base, run, changed, _, assessment = words.cells(change)
        rows.append((words.readable(change.metric), base, run, changed, assessment))
    labels = [_of_verdicts(before, after), *(change.label for change in changes)]
    classes = tuple(_FACT_CLASSES.get(label, "") for label in labels)
    header = ("counted, not sampled", "base", "run", "change", "assessment")
    return ComparisonTable("Facts", header, tuple(rows), classes)


def _of_verdicts(before: Label, after: Label) -> ChangeLabel:
    if before is after:
        return ChangeLabel.SAME
    return ChangeLabel.WORSE if after.rank > before.rank else ChangeLabel.BETTER


def _of_type(changes: Iterable[Change], event_type: str | None) -> tuple[Change, ...]:
    return tuple(change for change in changes if change.metric.event_type == event_type)


def _table(
    caption: str, changes: tuple[Change, ...], name_of: Callable[[Metric], str] = words.plain
) -> ComparisonTable:
    rows = tuple((name_of(change.metric), *words.cells(change)) for change in changes)
    return ComparisonTable(caption, ("metric", *words.HEADER), rows)


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
            started = clock_text(document.created_at)
            yield run.run_id, side.name, verdict, started, f"{attempted:,}", span
