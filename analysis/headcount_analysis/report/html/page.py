"""The report as a page: a single HTML file that works offline, on a phone and in print."""

import functools
from collections.abc import Iterator
from pathlib import Path

from headcount.ledger.event_types import TOTAL
from headcount.run.verdict import tally_of
from headcount_analysis.measure.histogram import Measure
from headcount_analysis.report.configuration import configuration
from headcount_analysis.report.count_sentences import sum_of_classes
from headcount_analysis.report.html import first_screen
from headcount_analysis.report.html.class_charts import class_figure
from headcount_analysis.report.html.earlier import earlier_line
from headcount_analysis.report.html.exception_links import linked
from headcount_analysis.report.html.exception_section import exception_section
from headcount_analysis.report.html.game_charts import game_figures
from headcount_analysis.report.html.health_charts import health_figures
from headcount_analysis.report.html.latency_charts import (
    distinct_measures,
    latency_figures,
    percentile_figure,
)
from headcount_analysis.report.html.load_charts import load_figures
from headcount_analysis.report.html.page_files import (
    chart_script,
    chart_style,
    hashes_of,
    own_file,
)
from headcount_analysis.report.html.page_tables import (
    breakdown_caption,
    breakdown_groups,
    by_generator,
    checks,
    class_counts,
    generators,
    latency,
    load_caption,
    load_over_time,
    most_frequent,
    offsets,
    state,
    thresholds,
    timeline_events,
)
from headcount_analysis.report.html.phase_rows import phase_table
from headcount_analysis.report.html.run_trend import run_trend
from headcount_analysis.report.html.templates import template
from headcount_analysis.report.html.type_rows import type_table
from headcount_analysis.report.model import Report
from headcount_analysis.report.shown_exceptions import Exceptions

_HERE = Path(__file__).parent

_PAGE = _HERE / "page.html"
_STYLES = ("page.css", "exceptions.css")


def warm_up() -> None:
    """Load the template, which takes longer the first time."""
    template(_PAGE)


def render(report: Report, exceptions: Exceptions) -> str:
    """Return the page as HTML."""
    evidence = report.evidence
    measures = distinct_measures(report.latencies)
    scripts = [chart_script(), *(own_file(_HERE / name) for name in _scripts(exceptions))]
    return template(_PAGE).render(
        report=report,
        styles=[chart_style(), *(own_file(_HERE / name) for name in _STYLES)],
        scripts=scripts,
        script_hashes=hashes_of(scripts),
        linked=functools.partial(linked, names=exceptions.by_name),
        facts=tuple(first_screen.facts(report)),
        broken=tuple(first_screen.broken_checks(report)),
        parts=first_screen.bar_parts(report.counts),
        tiles=tuple(first_screen.tiles(report)),
        earlier=earlier_line(report),
        trend=run_trend(report),
        types=type_table(report),
        phases=phase_table(report),
        checks=checks(report),
        checks_caption=tally_of(report.checks),
        sum_of_classes=sum_of_classes(report.counts),
        notes=[note for note in report.notes if note not in report.generators.notes],
        thresholds=thresholds(report),
        load_figures=tuple(
            load_figures(
                report.over_time,
                report.generators.known,
                report.timeline.moments,
                _load_text(report) if report.over_time.slices else "",
            )
        ),
        course=load_over_time(report, measures),
        course_caption=load_caption(report),
        moments=timeline_events(report),
        has_intended=Measure.FROM_INTENDED in measures,
        latency_total=latency(report, measures, only_total=True),
        latency=latency(report, measures, only_total=False),
        groups=breakdown_groups(report.breakdown, measures),
        groups_caption=breakdown_caption(report.breakdown),
        curve_figure=percentile_figure(
            report.percentiles,
            measures,
            "Latency by percentile, from the fastest requests on the left to the slowest on the "
            f"right; {report.rates}.",
        ),
        latency_figures=tuple(latency_figures(report.over_time, measures, _latency_texts(report))),
        by_generator=class_counts("generator", by_generator(report)),
        by_answer=class_counts("response", most_frequent(evidence.by_answer if evidence else {})),
        class_figure=class_figure(report.by_event_type),
        offsets=offsets(report),
        exceptions=exceptions,
        exception_section=exception_section(report, exceptions),
        state=state(report),
        economy=tuple(game_figures(report.economy)) if report.economy else (),
        generators=generators(report),
        health_figures=tuple(health_figures(report.generators.known, report.over_time)),
        configuration=configuration(report),
    )


def _scripts(exceptions: Exceptions) -> Iterator[str]:
    """Yield the names of the scripts; without them the page reads the same."""
    yield "screen.js"
    if exceptions.count:
        yield "exceptions.js"


def _length_s(report: Report) -> float:
    """Return the time that the achieved rate covers, in s: all of the run, or of its schedule."""
    if report.rates.target_per_s is None and report.span_s:
        return report.span_s
    course = report.over_time
    due = [time_slice.elapsed_s for time_slice in course.slices if time_slice.due]
    return due[-1] + course.width_s if due else course.width_s


def _load_text(report: Report) -> str:
    """Describe the load chart in text."""
    course = report.over_time
    length_s = _length_s(report)
    rates = []
    for name in ("started", "answered", "arrived"):
        counts = [getattr(time_slice, name) for time_slice in course.slices]
        if sum(counts):
            most = max(counts) / course.width_s
            rates.append(f"{name} {sum(counts) / length_s:,.1f} avg, {most:,.5g} max")
    return f"Per second: {'; '.join(rates)}. Overlapping lines have different widths."


def _latency_texts(report: Report) -> dict[Measure, str]:
    """Describe the charts of latency in text."""
    return {
        of_measure.measure: (
            f"By intended time. Overall: p50 {of_measure.percentiles[0.5]:,.1f}, "
            f"p95 {of_measure.percentiles[0.95]:,.1f}, p99 {of_measure.percentiles[0.99]:,.1f}, "
            f"max {of_measure.max_ms:,.1f} ms; {report.rates}."
        )
        for of_measure in report.latencies
        if of_measure.event_type == TOTAL
    }
