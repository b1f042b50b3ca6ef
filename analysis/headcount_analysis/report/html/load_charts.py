"""Charts of a run's load over time: requests, users, what failed, and what became of events."""

import bisect
from collections.abc import Iterable, Iterator, Sequence

from headcount_analysis.measure.generator_health import GeneratorHealth
from headcount_analysis.measure.over_time import EXCEPTIONS, OUTCOMES, LoadSlice, OverTime
from headcount_analysis.measure.timeline import TimelineEvent
from headcount_analysis.report.html.figure import Figure
from headcount_analysis.report.html.line_chart import Axis, AxisKind, ChartLine, LineChart, MarkKind
from headcount_analysis.report.html.svg import drawn

_MARGIN_S = 10
_DENSE, _THIN = 300, 0.6
"""With more slices than _DENSE, lines have _THIN of their usual width."""

_RATES = ("started", "answered", "arrived")
# Overlapping lines stay visible: the lower ones are wider.
_STROKES = {"started": 3.2, "answered": 2.0, "arrived": 1.6}
_DASHES = {"arrived": "5 3"}

Rules = tuple[tuple[float, str], ...]


def time_axis(course: OverTime) -> Axis:
    """Return the axis that all charts over time have in common."""
    first, last = course.slices[0].elapsed_s, course.slices[-1].elapsed_s
    return Axis(AxisKind.TIME, first, last + course.width_s, course.first_ns)


def rules_of(course: OverTime, moments: Iterable[TimelineEvent]) -> Rules:
    """Return the events within the run, or near it, as vertical lines."""
    axis = time_axis(course)
    at_s = ((moment, (moment.at_ns - course.first_ns) / 1e9) for moment in moments)
    # A mark can have any time, and must not stretch the axis.
    return tuple(
        (min(max(seconds, axis.low), axis.high), moment.text)
        for moment, seconds in at_s
        if axis.low - _MARGIN_S <= seconds <= axis.high + _MARGIN_S
    )


def load_figures(
    course: OverTime,
    known: Sequence[GeneratorHealth],
    moments: Iterable[TimelineEvent],
    text: str = "",
) -> Iterator[Figure]:
    """Yield the charts that have something to show, all over the same time axis.

    Args:
        course: The run's slices.
        known: The health of its generators; their samples have the number of users.
        moments: The events on its timeline.
        text: What to say about the first chart.
    """
    if not course.slices:
        return
    rules = rules_of(course, moments)
    yield Figure("Requests and events per second", drawn(_rates(course, rules)), text)
    yield _users(course, known)
    yield from _bars(
        course,
        rules,
        OUTCOMES,
        "Requests not acknowledged, over time",
        "By send time. Failed: certainly nothing was published; indeterminate: unknown.",
    )
    yield from _bars(
        course,
        rules,
        EXCEPTIONS,
        "Exceptions over time",
        "By send time.",
        link="exceptions",
    )


def _rates(course: OverTime, rules: Rules) -> LineChart:
    # The run ends within the last slice, which would look like a drop.
    whole = course.slices[:-1] or course.slices
    lines = [
        ChartLine(
            name,
            name,
            _middles(course, whole),
            [getattr(time_slice, name) / course.width_s for time_slice in whole],
            _DASHES.get(name, ""),
            _STROKES[name] * (_THIN if len(whole) > _DENSE else 1),
        )
        for name in _RATES
    ]
    if any(time_slice.target is not None for time_slice in whole):
        targets = [time_slice.target for time_slice in whole]
        lines.insert(0, ChartLine("target", "target", _middles(course, whole), targets, "", 6))
    return LineChart(
        time_axis(course), tuple(lines), "per second", width=course.width_s, rules=rules
    )


def _middles(course: OverTime, slices: Sequence[LoadSlice]) -> list[float]:
    return [time_slice.elapsed_s + course.width_s / 2 for time_slice in slices]


def _users(course: OverTime, known: Sequence[GeneratorHealth]) -> Figure:
    """Draw the requests in flight at the end of each slice, and the number of users if known."""
    ends = [time_slice.elapsed_s + course.width_s for time_slice in course.slices]
    lines = [ChartLine("in flight", "in-flight", ends, course.in_flight)]
    users = users_at(known, [course.first_ns + round(end * 1e9) for end in ends])
    if any(users):
        lines.insert(0, ChartLine("users", "users", ends, users, "6 3"))
    names = " and ".join(line.name for line in lines)
    title = f"{names[0].upper()}{names[1:]}"
    chart = LineChart(time_axis(course), tuple(lines), "count", 110, MarkKind.LINE, course.width_s)
    return Figure(title, drawn(chart), "At the end of each slice.")


def users_at(known: Iterable[GeneratorHealth], times_ns: Sequence[int]) -> list[int]:
    """Return the number of users of all generators at each time, by the first sample after it."""
    users = [0] * len(times_ns)
    for generator in known:
        at_ns = [sample.at_ns for sample in generator.samples]
        for index, time_ns in enumerate(times_ns):
            place = bisect.bisect_left(at_ns, time_ns)
            if place < len(at_ns):
                users[index] += generator.samples[place].users
    return users


def _bars(
    course: OverTime, rules: Rules, names: Sequence[str], title: str, text: str, *, link: str = ""
) -> Iterator[Figure]:
    """Draw counts as stacked bars; nothing if all are 0."""
    starts = [time_slice.elapsed_s for time_slice in course.slices]
    lines = tuple(
        ChartLine(name, name, starts, counts)
        for name in names
        if any(counts := [getattr(time_slice, name) for time_slice in course.slices])
    )
    if lines:
        unit = "count" if course.width_s == 1 else f"count in {course.width_s:g} s"
        size = (110, MarkKind.BARS, course.width_s)
        chart = LineChart(time_axis(course), lines, unit, *size, rules, link=link)
        yield Figure(title, drawn(chart), text)
