"""The tables of the page: header cells and rows of text, made from a report."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from headcount.ledger.event_types import TOTAL
from headcount.thresholds.percentiles import FEW_QUANTILES, percentile_name
from headcount_analysis.classes_and_flags import COUNT_KEYS, Counts
from headcount_analysis.measure.breakdown import Breakdown
from headcount_analysis.measure.clocks import ClockOffset
from headcount_analysis.measure.histogram import Measure
from headcount_analysis.measure.timeline import EventOrigin, TimelineEvent
from headcount_analysis.report import csv_tables
from headcount_analysis.report.csv_tables import iso_time
from headcount_analysis.report.model import Report
from headcount_analysis.state.differences import Entry

SHOWN_DIFFERENCES = 50

SHOWN_EVENTS = 5

SHOWN_ANSWERS = 50

SHOWN_SLICES = 30

LONGEST_CELL = 160
"""Longer texts are truncated: texts from outside may be of any length."""

_BY = {"answer": "response"}
"""The kinds of groups that the page names differently from breakdown.csv."""

_ALWAYS = frozenset({"attempted", "acked", "delivered", "lost", "duplicated"})


@dataclass(frozen=True, slots=True)
class PageTable:
    """A table for the page: header cells and rows, all text; `kinds` has the kind of each row."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    kinds: tuple[str, ...] = ()

    @property
    def text_columns(self) -> frozenset[int]:
        """The columns without any number, which are aligned to the left."""
        columns = enumerate(zip(*self.rows, strict=True))
        return frozenset(place for place, cells in columns if not any(map(_is_number, cells)))


def _is_number(cell: str) -> bool:
    return cell.lstrip("+-")[:1].isdigit()


def load_over_time(report: Report, measures: Collection[Measure]) -> PageTable:
    """Show at most SHOWN_SLICES slices, evenly spaced, with some measures."""
    frame = csv_tables.over_time(report)
    shown = ["elapsed_s", "target", "started", "answered", "acked", "arrived", "http_p50_ms"]
    shown += [f"{measure}_p99_ms" for measure in measures]
    chosen = frame[:: _every(len(frame))][shown].dropna(axis="columns", how="all")
    chosen = chosen.rename(columns=lambda name: name.replace("http_", "HTTP_"))
    return _as_text(chosen.map(lambda value: "" if pd.isna(value) else f"{value:,.1f}"))


def _every(count: int) -> int:
    return max(1, -(-count // SHOWN_SLICES))


def load_caption(report: Report) -> str:
    """Return the caption of the slices: their width, and the share that the table shows."""
    course = report.over_time
    every = _every(len(course.slices))
    share = "Slices" if every == 1 else f"One in {every} slices"
    return (
        f"{share} of {course.width_s:g} s: rates per second, durations in ms; "
        "over_time.csv has all slices"
    )


def latency(report: Report, measures: Iterable[Measure], *, only_total: bool) -> PageTable:
    """Show some measures in ms, either in total or by event type."""
    frame = csv_tables.latency(report).drop(columns=[*csv_tables.RATES])
    frame = frame[frame["measure"].isin([measure.value for measure in measures])]
    is_total = frame["event_type"] == TOTAL
    rows = frame[is_total].drop(columns="event_type") if only_total else frame[~is_total]
    rows = rows.assign(measure=[Measure(measure).words for measure in rows["measure"]])
    for name in ("negative", "unanswered"):
        if not rows[name].any():
            rows = rows.drop(columns=name)
    rows = rows.rename(columns={name: name.removesuffix("_ms") for name in rows.columns})
    return _as_text(rows.map(_number))


def breakdown_groups(parts: Breakdown, measures: Collection[Measure]) -> PageTable:
    """Show some measures in ms by partition, generator and response."""
    names = [percentile_name(quantile) for quantile in FEW_QUANTILES]
    rows = (
        (
            *(
                _BY.get(group.by, group.by),
                _cell(group.key),
                group.measure.words,
                f"{group.count:,}",
            ),
            *(f"{ms:,.2f}" for ms in (*group.percentiles, group.max_ms)),
        )
        for group in parts.groups
        if group.measure in measures
    )
    return PageTable(("by", "group", "measure", "count", *names, "max"), tuple(rows))


def breakdown_caption(parts: Breakdown) -> str:
    """Return the caption of the groups, with the share of requests that were sampled."""
    share = "" if parts.every == 1 else f", from about one request in {parts.every:,}"
    return f"By partition, generator and response, in ms{share}"


def _number(value: object) -> object:
    if isinstance(value, float):
        return f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else value


def class_counts(name: str, groups: Mapping[str, Counts], total: Counts | None = None) -> PageTable:
    """Show the classes of groups of attempts, without columns of zeros."""
    rows = {key: counts.as_dict() for key, counts in groups.items()}
    if total is not None and len(rows) > 1:
        rows[TOTAL] = total.as_dict()
    shown = [
        key for key in COUNT_KEYS if key in _ALWAYS or any(counts[key] for counts in rows.values())
    ]
    return PageTable(
        (name, *shown),
        tuple(
            (_cell(group), *(f"{counts[key]:,}" for key in shown)) for group, counts in rows.items()
        ),
    )


def most_frequent(by_answer: Mapping[str, Counts]) -> Mapping[str, Counts]:
    """Return the counts of the most frequent responses, sorted by name."""
    most = sorted(by_answer, key=lambda answer: -by_answer[answer].attempted)[:SHOWN_ANSWERS]
    return {answer: by_answer[answer] for answer in sorted(most)}


def by_generator(report: Report) -> Mapping[str, Counts]:
    """Return the counts of each generator, by its number as text."""
    groups = report.evidence.by_generator if report.evidence else {}
    return {str(number): counts for number, counts in sorted(groups.items())}


def generators(report: Report) -> PageTable:
    """Show each generator's ledger, health and clock."""
    header = (
        *("generator", "ledger", "ids", "rows", "CPU median, %", "CPU max, %"),
        *("lag p99, ms", "dropped", "clock offset to topic, ms"),
    )
    if report.evidence is None:
        return PageTable(header, ())
    states = {generator.generator: generator for generator in report.evidence.ledger.generators}
    clocks = {clock.generator: offset_text(clock) for clock in report.evidence.clocks}
    rows = []
    for health in report.generators.known:
        state = states.get(health.generator)
        ledger = ("sealed" if state.sealed else "never sealed") if state else "missing"
        rows.append(
            (
                *(str(health.generator), ledger),
                *((f"{state.asked:,}", f"{state.rows:,}") if state else ("", "")),
                *(_known(health.cpu_percent_median), _known(health.cpu_percent_max)),
                *(_known(health.schedule_lag_p99_ms), _known(health.dropped)),
                clocks.get(health.generator, "unknown"),
            )
        )
    return PageTable(header, tuple(rows))


def offset_text(clock: ClockOffset) -> str:
    """Return what is known of a generator's clock offset, in ms."""
    if clock.has_moved:
        return f"moved by at least {-2 * clock.uncertainty_ms:,.2f}"
    if clock.answers_first:
        return f"at most {clock.offset_ms:,.2f}"
    return f"{clock.offset_ms:,.2f} ± {clock.uncertainty_ms:,.2f}"


def _known(value: float | None) -> str:
    if value is None:
        return "unknown"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


def offsets(report: Report) -> PageTable:
    """Show the range of offsets that was read from each partition."""
    header = ("partition", "start", "end", "read", "gaps", "malformed", "foreign")
    partitions = report.evidence.partitions if report.evidence else ()
    rows = (
        (
            partition.partition,
            partition.start,
            partition.end,
            partition.read,
            partition.gaps,
            partition.malformed,
            partition.foreign,
        )
        for partition in partitions
    )
    return PageTable(header, tuple(tuple(f"{number:,}" for number in row) for row in rows))


def timeline_events(report: Report) -> PageTable:
    """Show marks and observed events, and how soon requests recovered after a mark."""
    header = ("at", "event", "source", "recovered after")
    rows = (
        (iso_time(moment.at_ns), moment.text, moment.source.value, _recovered(moment))
        for moment in report.timeline.moments
    )
    return PageTable(header, tuple(rows))


def _recovered(moment: TimelineEvent) -> str:
    if moment.source is EventOrigin.OBSERVED:
        return ""
    if moment.recovered_after_ms is None:
        return "no request affected"
    took = f"{moment.recovered_after_ms / 1000:.1f} s"
    return took if moment.is_recovered else f"not within {took}"


def checks(report: Report) -> PageTable:
    """Show every check with its result, evidence and remedy."""
    rows = tuple(
        (check.name, check.result.value, check.evidence, check.remedy) for check in report.checks
    )
    kinds = tuple(check.result.value for check in report.checks)
    return PageTable(("check", "result", "evidence", "what to do"), rows, kinds)


def thresholds(report: Report) -> PageTable:
    """Show each threshold with its result and its measured value."""
    rows = tuple(
        (result.threshold.text, result.result.value, result.shown) for result in report.thresholds
    )
    kinds = tuple(result.result.value for result in report.thresholds)
    return PageTable(("threshold", "result", "measured"), rows, kinds)


def state(report: Report) -> PageTable:
    """Show the values of the state that differ, each with its most relevant events."""
    frame = csv_tables.state(report).head(SHOWN_DIFFERENCES).drop(columns="events")
    table = _as_text(frame.astype(object).where(frame.notna(), "unknown"))
    events = (
        ", ".join(map(_event, difference.entries[:SHOWN_EVENTS]))
        for difference in report.state.differences[:SHOWN_DIFFERENCES]
    )
    rows = zip(table.rows, events, strict=True)
    return PageTable((*table.header, "events"), tuple((*row, cell) for row, cell in rows))


def _event(entry: Entry) -> str:
    """Format an event: the change that was requested, the one published, and where it is."""
    at = "not in the topic" if entry.offset is None else f"at {entry.partition}:{entry.offset}"
    changes = {"requested": entry.expected, "published": entry.implied}
    parts = [f"{name} {change:+}" for name, change in changes.items() if change is not None]
    return f"{entry.event_type} {entry.id} ({', '.join(parts)}; {at})"


def _as_text(frame: pd.DataFrame) -> PageTable:
    header = tuple(str(name).replace("_", " ") for name in frame.columns)
    rows = (tuple(_cell(value) for value in row) for row in frame.itertuples(index=False))
    return PageTable(header, tuple(rows))


def _cell(value: object) -> str:
    text = str(value)
    return text if len(text) <= LONGEST_CELL else f"{text[:LONGEST_CELL]}…"
