"""The report as a page: a single HTML file that works offline, on a phone and in print."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from markupsafe import Markup

from headcount import palette
from headcount.ledger.event_types import TOTAL
from headcount.run.verdict import tally_of
from headcount_analysis.classes_and_flags import Counts
from headcount_analysis.measure.histogram import Measure
from headcount_analysis.measure.latency import Latency
from headcount_analysis.report.configuration import configuration
from headcount_analysis.report.exceptions import Exceptions
from headcount_analysis.report.html import charts, game_charts
from headcount_analysis.report.html.page_tables import (
    breakdown_caption,
    breakdown_groups,
    by_generator,
    checks,
    class_counts,
    exception_rows,
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
from headcount_analysis.report.html.templates import hash_of, template
from headcount_analysis.report.model import Report
from headcount_analysis.report.sentences import classes_of, shown_exceptions, sum_of_classes

_HERE = Path(__file__).parent

_PAGE = _HERE / "page.html"

_LATENCY_TITLES = {
    Measure.FROM_INTENDED: "From the intended time to the response",
    Measure.HTTP: "HTTP: from sending to the response",
    Measure.END_TO_END: "End to end: from the intended time to the topic",
}


def warm_up() -> None:
    """Load the template and draw a chart: the first time takes longest."""
    charts.warm_up()
    template(_PAGE)


def render(report: Report, exceptions: Exceptions) -> str:
    """Return the page as HTML."""
    script = (_HERE / "page.js").read_text(encoding="utf-8")
    evidence, latencies = report.evidence, report.latencies
    return template(_PAGE).render(
        report=report,
        # All of these are our own.
        style=Markup(palette.style() + (_HERE / "page.css").read_text(encoding="utf-8")),  # noqa: S704
        script=Markup(script),  # noqa: S704
        script_hash=hash_of(script),
        checks=checks(report),
        checks_caption=tally_of(report.checks),
        sum_of_classes=sum_of_classes(report.counts),
        parts=classes_of(report.counts),
        flags=_nonzero(report.counts, ("corrupted", "reordered", "late", "misplaced", "phantom")),
        unowned=_nonzero(report.counts, ("foreign", "malformed")),
        figures=dict(_figures(report)),
        notes=[each for each in report.notes if each not in report.generators.notes],
        thresholds=thresholds(report),
        load_chart=charts.load(report.over_time),
        load_text=_load_text(report),
        course=load_over_time(report),
        course_caption=load_caption(report),
        outcomes_chart=charts.outcomes(report.timeline),
        moments=timeline_events(report),
        latency_total=latency(report, only_total=True),
        latency=latency(report, only_total=False),
        groups=breakdown_groups(report.breakdown),
        groups_caption=breakdown_caption(report.breakdown),
        curve_chart=charts.percentile_curve(report.percentiles),
        latency_charts=tuple(_latency_charts(report, latencies)),
        by_event_type=class_counts("event type", report.by_event_type, report.counts),
        by_generator=class_counts("generator", by_generator(report)),
        by_answer=class_counts("response", most_frequent(evidence.by_answer if evidence else {})),
        classes_chart=charts.classes(report.by_event_type),
        offsets=offsets(report),
        exceptions=exceptions,
        shown_exceptions=shown_exceptions(exceptions),
        exception_rows=exception_rows(exceptions),
        state=state(report),
        economy=tuple(game_charts.pictures(report.economy)) if report.economy else (),
        generators=generators(report),
        health_charts=charts.health(report.generators.known, report.over_time.first_ns),
        configuration=configuration(report),
    )


def _nonzero(counts: Counts | None, keys: tuple[str, ...]) -> str:
    values = {} if counts is None else counts.as_dict()
    return ", ".join(f"{values[key]:,} {key}" for key in keys if values.get(key))


def _figures(report: Report) -> Iterator[tuple[str, str]]:
    """Yield the headline figures: what most readers look for first."""
    counts, course = report.counts, report.over_time
    if counts is None or not course.slices:
        return
    yield "attempted", f"{counts.attempted:,}"
    yield "lost", f"{counts.lost:,}"
    yield "duplicated", f"{counts.duplicated:,}"
    yield "duration", f"{_length_s(report):,.0f} s"
    yield from report.rates.shown.items()
    for each in report.latencies:
        if each.event_type == TOTAL and each.measure is not Measure.FROM_INTENDED:
            yield f"{each.measure.words} p50", f"{each.percentiles[0.5]:,.1f} ms"
            yield f"{each.measure.words} p99", f"{each.percentiles[0.99]:,.1f} ms"


def _length_s(report: Report) -> float:
    """Return the time over which requests were due, in s, rounded up to whole slices."""
    course = report.over_time
    due = [each.elapsed_s for each in course.slices if each.due]
    return due[-1] + course.width_s if due else course.width_s


def _load_text(report: Report) -> str:
    """Describe the load chart in text."""
    course = report.over_time
    length_s = _length_s(report)
    rates = []
    for name in ("started", "answered", "arrived"):
        counts = [getattr(each, name) for each in course.slices]
        if sum(counts):
            most = max(counts) / course.width_s
            rates.append(f"{name} {sum(counts) / length_s:,.1f} avg, {most:,.1f} max")
    return f"Per second: {'; '.join(rates)}. Overlapping lines have different widths."


def _latency_charts(
    report: Report, latencies: Sequence[Latency]
) -> Iterator[tuple[str, str, Markup]]:
    totals = {each.measure: each for each in latencies if each.event_type == TOTAL}
    for measure, title in _LATENCY_TITLES.items():
        drawn = charts.latency_over_time(report.over_time, measure)
        if drawn is None or measure not in totals:
            continue
        total = totals[measure]
        text = (
            f"By the time when requests were due. Overall: p50 {total.percentiles[0.5]:,.1f}, "
            f"p95 {total.percentiles[0.95]:,.1f}, p99 {total.percentiles[0.99]:,.1f}, "
            f"max {total.max_ms:,.1f} ms; {report.rates}."
        )
        yield title, text, drawn
