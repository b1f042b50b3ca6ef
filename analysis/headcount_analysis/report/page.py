"""The report as a page: one file that opens offline, on a phone and on paper."""

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from headcount.run.verdict import tally_of
from headcount_analysis.compare_run.classes import ATTEMPT_FATES, COUNT_KEYS, Counts
from headcount_analysis.measure.breakdown import QUANTILES, Breakdown
from headcount_analysis.measure.histogram import Measure
from headcount_analysis.measure.latency import TOTAL, Latency
from headcount_analysis.measure.timeline import EventOrigin, TimelineEvent
from headcount_analysis.report import charts, game_charts, tables
from headcount_analysis.report.configuration import configuration
from headcount_analysis.report.exceptions import SHOWN_OF_A_KIND, Exceptions, kind
from headcount_analysis.report.model import Report
from headcount_analysis.report.tables import iso_time
from headcount_analysis.report.templates import template
from headcount_analysis.state.differences import Entry

SHOWN_DIFFERENCES = 50
SHOWN_EVENTS = 5
SHOWN_ANSWERS = 50
SHOWN_SLICES = 30
LONGEST_CELL = 160
"""Longer texts, which come from outside, are cut."""

_HERE = Path(__file__).parent
_PAGE = _HERE / "page.html"
_ALWAYS = frozenset({"attempted", "acked", "delivered", "lost", "duplicated"})
_EXCEPTION_COLUMNS = (
    "id",
    "class",
    "flags",
    "where",
    "event_type",
    "outcome",
    "http_status",
    "error",
    "copies",
    "partition",
    "offset",
    "sent_at",
)
_LATENCY_TITLES = {
    Measure.FROM_INTENDED: "From the intended time to the answer",
    Measure.HTTP: "HTTP: from sending to the answer",
    Measure.END_TO_END: "End to end: from the intended time to the topic",
}


@dataclass(frozen=True, slots=True)
class PageTable:
    """A table for the page: its header cells and its rows, all text; `kinds` name its rows."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    kinds: tuple[str, ...] = ()


def warm_up() -> None:
    """Do what takes longer the first time than ever after."""
    charts.warm_up()
    template(_PAGE)


def render(report: Report, exceptions: Exceptions) -> str:
    """Write the page."""
    script = (_HERE / "page.js").read_text(encoding="utf-8")
    evidence, latencies = report.evidence, report.latencies
    return template(_PAGE).render(
        report=report,
        # Both are files of ours that stand beside this one.
        style=Markup((_HERE / "page.css").read_text(encoding="utf-8")),  # noqa: S704
        script=Markup(script),  # noqa: S704
        script_hash=hash_of(script),
        checks=_checks(report),
        checks_caption=tally_of(report.checks),
        sum_of_classes=sum_of_classes(report.counts),
        parts=_parts(report.counts),
        flags=_nonzero(report.counts, ("corrupted", "reordered", "late", "misplaced", "phantom")),
        strangers=_nonzero(report.counts, ("foreign", "malformed")),
        figures=dict(_figures(report)),
        notes=[each for each in report.notes if each not in report.generators.notes],
        thresholds=_thresholds(report),
        load_chart=charts.load(report.over_time),
        load_text=_load_text(report),
        course=_course(report),
        course_caption=_course_caption(report),
        outcomes_chart=charts.outcomes(report.timeline),
        moments=_moments(report),
        latency_total=_latency(report, only_total=True),
        latency=_latency(report, only_total=False),
        groups=_groups(report.breakdown),
        groups_caption=_groups_caption(report.breakdown),
        curve_chart=charts.percentile_curve(report.percentiles),
        latency_charts=tuple(_latency_charts(report, latencies)),
        by_event_type=_counts("event type", report.by_event_type, report.counts),
        by_generator=_counts("generator", _by_generator(report)),
        by_answer=_counts("answer", _most(evidence.by_answer if evidence else {})),
        classes_chart=charts.classes(report.by_event_type),
        offsets=_offsets(report),
        exceptions=exceptions,
        shown_exceptions=shown_exceptions(exceptions),
        exception_rows=_exceptions(exceptions),
        state=_state(report),
        economy=tuple(game_charts.pictures(report.economy)) if report.economy else (),
        generators=_generators(report),
        health_charts=charts.health(report.generators.known, report.over_time.first_ns),
        configuration=configuration(report),
    )


def hash_of(script: str) -> str:
    """Name a script as a Content-Security-Policy does that allows it and no other."""
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"


def sum_of_classes(counts: Counts | None) -> str:
    """Write the sum that must come out."""
    if counts is None:
        return "Nothing could be counted."
    parts = [f"{count:,} {name}" for name, count in _parts(counts)]
    return f"{counts.attempted:,} attempted = {' + '.join(parts) or '0'}"


def _parts(counts: Counts | None) -> list[tuple[str, int]]:
    values = {} if counts is None else counts.as_dict()
    return [(fate.value, values[fate]) for fate in ATTEMPT_FATES if values.get(fate)]


def _nonzero(counts: Counts | None, keys: tuple[str, ...]) -> str:
    values = {} if counts is None else counts.as_dict()
    return ", ".join(f"{values[key]:,} {key}" for key in keys if values.get(key))


def _figures(report: Report) -> Iterator[tuple[str, str]]:
    """Give the figures that most readers look for first."""
    counts, course = report.counts, report.over_time
    if counts is None or not course.slices:
        return
    yield "attempted", f"{counts.attempted:,}"
    yield "lost", f"{counts.lost:,}"
    yield "duplicated", f"{counts.duplicated:,}"
    yield "under load for", f"{_length_s(report):,.0f} s"
    yield from report.rates.shown.items()
    for each in report.latencies:
        if each.event_type == TOTAL and each.measure is not Measure.FROM_INTENDED:
            yield f"{each.measure.words} p50", f"{each.percentiles[0.5]:,.1f} ms"
            yield f"{each.measure.words} p99", f"{each.percentiles[0.99]:,.1f} ms"


def _length_s(report: Report) -> float:
    """How long requests were due, to the width of a slice."""
    course = report.over_time
    due = [each.elapsed_s for each in course.slices if each.due]
    return due[-1] + course.width_s if due else course.width_s


def _load_text(report: Report) -> str:
    """Say what the picture of the load shows."""
    course = report.over_time
    length_s = _length_s(report)
    told = []
    for name in ("started", "answered", "arrived"):
        counts = [getattr(each, name) for each in course.slices]
        if sum(counts):
            most = max(counts) / course.width_s
            told.append(f"{name} {sum(counts) / length_s:,.1f} on average, at most {most:,.1f}")
    return f"A second: {'; '.join(told)}. Lines that lie upon each other are drawn wide and narrow."


def _course(report: Report) -> PageTable:
    """Show some of the slices."""
    frame = tables.over_time(report)
    shown = [
        *("elapsed_s", "target", "started", "answered", "acked", "arrived"),
        *("http_p50_ms", "http_p99_ms", "from_intended_p99_ms", "end_to_end_p99_ms"),
    ]
    some = frame[:: _every(len(frame))][shown].dropna(axis="columns", how="all")
    return _as_text(some.map(lambda value: "" if pd.isna(value) else f"{value:,.1f}"))


def _every(count: int) -> int:
    return max(1, -(-count // SHOWN_SLICES))


def _course_caption(report: Report) -> str:
    course = report.over_time
    every = _every(len(course.slices))
    some = "Each slice" if every == 1 else f"Every {every}th slice"
    return (
        f"{some} of {course.width_s:g} s: rates a second, durations in ms; all are in over_time.csv"
    )


def _latency_charts(
    report: Report, latencies: Sequence[Latency]
) -> Iterator[tuple[str, str, Markup]]:
    totals = {each.measure: each for each in latencies if each.event_type == TOTAL}
    for measure, title in _LATENCY_TITLES.items():
        drawn = charts.latency_over_time(report.over_time, measure)
        if drawn is None or measure not in totals:
            continue
        found = totals[measure]
        text = (
            f"By the time at which requests were due. Of all: p50 {found.percentiles[0.5]:,.1f}, "
            f"p95 {found.percentiles[0.95]:,.1f}, p99 {found.percentiles[0.99]:,.1f}, "
            f"at most {found.max_ms:,.1f} ms; {report.rates}."
        )
        yield title, text, drawn


def _latency(report: Report, *, only_total: bool) -> PageTable:
    frame = tables.latency(report).drop(columns=[*tables.RATES])
    is_total = frame["event_type"] == TOTAL
    mine = frame[is_total].drop(columns="event_type") if only_total else frame[~is_total]
    mine = mine.assign(measure=[Measure(each).words for each in mine["measure"]])
    for name in ("negative", "unanswered"):
        if not mine[name].any():
            mine = mine.drop(columns=name)
    mine = mine.rename(columns={name: name.removesuffix("_ms") for name in mine.columns})
    return _as_text(mine.map(_number))


def _groups(parted: Breakdown) -> PageTable:
    names = [tables.percentile_name(each) for each in QUANTILES]
    rows = (
        (
            *(each.by, _cell(each.key), each.measure.words, f"{each.count:,}"),
            *(f"{ms:,.2f}" for ms in (*each.percentiles, each.max_ms)),
        )
        for each in parted.groups
    )
    return PageTable(("of a", "which", "measure", "count", *names, "max"), tuple(rows))


def _groups_caption(parted: Breakdown) -> str:
    of = "" if parted.every == 1 else f", of about one request in {parted.every:,}"
    return f"By partition, generator and answer, in ms{of}"


def _number(value: object) -> object:
    if isinstance(value, float):
        return f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else value


def _counts(name: str, groups: Mapping[str, Counts], total: Counts | None = None) -> PageTable:
    """Show what became of groups of attempts, without columns that hold nothing but zeros."""
    rows = {key: counts.as_dict() for key, counts in groups.items()}
    if total is not None and len(rows) > 1:
        rows[TOTAL] = total.as_dict()
    shown = [
        key for key in COUNT_KEYS if key in _ALWAYS or any(counts[key] for counts in rows.values())
    ]
    return PageTable(
        (name, *shown),
        tuple(
            (_cell(each), *(f"{counts[key]:,}" for key in shown)) for each, counts in rows.items()
        ),
    )


def _most(by_answer: Mapping[str, Counts]) -> Mapping[str, Counts]:
    """Give the most frequent answers, by their names."""
    most = sorted(by_answer, key=lambda each: -by_answer[each].attempted)[:SHOWN_ANSWERS]
    return {each: by_answer[each] for each in sorted(most)}


def _by_generator(report: Report) -> Mapping[str, Counts]:
    groups = report.evidence.by_generator if report.evidence else {}
    return {str(number): counts for number, counts in sorted(groups.items())}


def _generators(report: Report) -> PageTable:
    """Show who made the requests: ledger, health and clock."""
    header = (
        *("generator", "ledger", "ids", "rows", "CPU median, %", "CPU max, %"),
        *("lag p99, ms", "dropped", "topic's clock less its own, ms"),
    )
    if report.evidence is None:
        return PageTable(header, ())
    states = {each.generator: each for each in report.evidence.ledger.generators}
    clocks = {
        each.generator: f"{each.offset_ms:.2f} ± {each.uncertainty_ms:.2f}"
        for each in report.evidence.clocks
    }
    rows = []
    for each in report.generators.known:
        state = states.get(each.generator)
        told = ("sealed" if state.sealed else "never sealed") if state else "not there"
        rows.append(
            (
                *(str(each.generator), told),
                *((f"{state.asked:,}", f"{state.rows:,}") if state else ("", "")),
                *(_known(each.cpu_percent_median), _known(each.cpu_percent_max)),
                *(_known(each.schedule_lag_p99_ms), _known(each.dropped)),
                clocks.get(each.generator, "not known"),
            )
        )
    return PageTable(header, tuple(rows))


def _known(value: float | None) -> str:
    if value is None:
        return "not known"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


def _offsets(report: Report) -> PageTable:
    header = ("partition", "start", "end", "read", "gaps", "malformed", "foreign")
    partitions = report.evidence.partitions if report.evidence else ()
    rows = (
        (each.partition, each.start, each.end, each.read, each.gaps, each.malformed, each.foreign)
        for each in partitions
    )
    return PageTable(header, tuple(tuple(f"{number:,}" for number in row) for row in rows))


def _moments(report: Report) -> PageTable:
    header = ("at", "what", "source", "recovered after")
    rows = (
        (iso_time(each.at_ns), each.text, each.source.value, _recovered(each))
        for each in report.timeline.moments
    )
    return PageTable(header, tuple(rows))


def _recovered(moment: TimelineEvent) -> str:
    if moment.source is EventOrigin.OBSERVED:
        return ""
    if moment.recovered_after_ms is None:
        return "no request was disturbed"
    took = f"{moment.recovered_after_ms / 1000:.1f} s"
    return took if moment.is_recovered else f"not within {took}"


def _checks(report: Report) -> PageTable:
    """Show all that was judged, and what came of it."""
    rows = tuple(
        (each.name, each.result.value, each.evidence, each.remedy) for each in report.checks
    )
    kinds = tuple(each.result.value for each in report.checks)
    return PageTable(("check", "result", "evidence", "what to do"), rows, kinds)


def _thresholds(report: Report) -> PageTable:
    rows = ((each.threshold.text, each.shown, each.result.value) for each in report.thresholds)
    return PageTable(("threshold", "measured", "result"), tuple(rows))


def _state(report: Report) -> PageTable:
    """Show the numbers of the state that differ, each with the events that tell most of it."""
    frame = tables.state(report).head(SHOWN_DIFFERENCES).drop(columns="events")
    table = _as_text(frame.astype(object).where(frame.notna(), "unknown"))
    events = (
        ", ".join(map(_event, each.entries[:SHOWN_EVENTS]))
        for each in report.state.differences[:SHOWN_DIFFERENCES]
    )
    rows = zip(table.rows, events, strict=True)
    return PageTable((*table.header, "events"), tuple((*row, told) for row, told in rows))


def _event(entry: Entry) -> str:
    """Say what an event was to change, and where it is."""
    at = "not in the topic" if entry.offset is None else f"at {entry.partition}:{entry.offset}"
    changes = {"asked": entry.expected, "done": entry.implied}
    told = ", ".join(f"{name} {change:+}" for name, change in changes.items() if change is not None)
    return f"{entry.event_type} {entry.id} ({told}; {at})"


def shown_exceptions(exceptions: Exceptions) -> str:
    """Say how many there are, and how many of them are shown."""
    kinds = ", ".join(f"{count:,} {name}" for name, count in exceptions.counts.items())
    shown, count = len(exceptions.first), exceptions.count
    some = (
        "All are shown"
        if shown == count
        else (f"{shown:,} are shown, the first {SHOWN_OF_A_KIND} of each class")
    )
    return f"{count:,} requests or ids are exceptions: {kinds}. {some}; all are in exceptions.csv."


def _exceptions(exceptions: Exceptions) -> PageTable:
    """Show them by kind, in the order in which the kinds are counted."""
    frame = exceptions.first
    kinds = kind(frame)
    order = {name: place for place, name in enumerate(exceptions.counts)}
    by_kind = kinds.map(order).sort_values(kind="stable").index
    table = _as_text(frame.loc[by_kind, list(_EXCEPTION_COLUMNS)])
    return PageTable(table.header, table.rows, tuple(kinds[by_kind]))


def _as_text(frame: pd.DataFrame) -> PageTable:
    header = tuple(str(name).replace("_", " ") for name in frame.columns)
    rows = (tuple(_cell(value) for value in row) for row in frame.itertuples(index=False))
    return PageTable(header, tuple(rows))


def _cell(value: object) -> str:
    text = str(value)
    return text if len(text) <= LONGEST_CELL else f"{text[:LONGEST_CELL]}…"
