"""The report as a page: one file that opens offline, on a phone and on paper."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import jinja2
import pandas as pd

from analysis.classes import ATTEMPT_FATES, COUNT_KEYS, Counts
from analysis.report import charts, game_charts, tables
from analysis.report.model import Report
from analysis.report.tables import iso_time
from analysis.state import Entry
from analysis.timeline import Moment, Source
from headcount.verdict import Verdict

SHOWN_EXCEPTIONS = 100
SHOWN_DIFFERENCES = 50
SHOWN_EVENTS = 5

_MEANING = {
    Verdict.PASS: "Every acknowledged event is in the topic, once and unaltered.",
    Verdict.FAIL: "The topic does not hold what was acknowledged.",
    Verdict.INCONCLUSIVE: "The evidence does not allow a verdict.",
}
_EXCEPTION_COLUMNS = (
    "id",
    "class",
    "flags",
    "event_type",
    "outcome",
    "http_status",
    "error",
    "copies",
    "partition",
    "offset",
    "sent_at",
)


@dataclass(frozen=True, slots=True)
class Table:
    """A table for the page: its header cells and its rows, all text."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def render(report: Report, exceptions: Path) -> str:
    """Write the page; the exceptions come from the CSV file that stands beside it."""
    return _template().render(
        report=report,
        meaning=_MEANING[report.verdict],
        sum_of_classes=_sum_of_classes(report.counts),
        flags=_nonzero(report.counts, ("corrupted", "reordered", "late", "misplaced", "phantom")),
        strangers=_nonzero(report.counts, ("foreign", "malformed")),
        summary=_summary(report),
        latency=_as_text(tables.latency(report)),
        offsets=_offsets(report),
        clocks=_clocks(report),
        thresholds=_thresholds(report),
        state=_state(report),
        exceptions=_exceptions(exceptions),
        shown_exceptions=SHOWN_EXCEPTIONS,
        timeline=charts.timeline(report.distributions.seconds),
        outcomes_chart=charts.outcomes(report.timeline),
        moments=_moments(report),
        latency_chart=charts.latency(report.latencies),
        economy=tuple(game_charts.pictures(report.economy)) if report.economy else (),
        classes_chart=charts.classes(report.by_event_type),
        facts=dict(_facts(report)),
    )


def _template() -> jinja2.Template:
    # Values from the topic are anyone's: nothing is written unescaped but the charts.
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html")


def _sum_of_classes(counts: Counts | None) -> str:
    if counts is None:
        return "Nothing could be counted."
    values = counts.as_dict()
    parts = [f"{values[fate]:,} {fate}" for fate in ATTEMPT_FATES if values[fate]]
    return f"{counts.attempted:,} attempted = {' + '.join(parts) or '0'}"


def _nonzero(counts: Counts | None, keys: tuple[str, ...]) -> str:
    values = {} if counts is None else counts.as_dict()
    return ", ".join(f"{values[key]:,} {key}" for key in keys if values.get(key))


def _summary(report: Report) -> Table:
    """Show the classes as rows, for there are more of them than of event types."""
    frame = tables.summary(report).set_index("event_type")
    names = tuple(str(name) for name in frame.index)
    rows = tuple((key, *(f"{count:,}" for count in frame[key])) for key in COUNT_KEYS)
    return Table(("", *names), rows if names else ())


def _offsets(report: Report) -> Table:
    header = ("partition", "start", "end", "read", "gaps", "malformed", "foreign")
    partitions = report.evidence.partitions if report.evidence else ()
    rows = (
        (each.partition, each.start, each.end, each.read, each.gaps, each.malformed, each.foreign)
        for each in partitions
    )
    return Table(header, tuple(tuple(f"{number:,}" for number in row) for row in rows))


def _clocks(report: Report) -> Table:
    clocks = report.evidence.clocks if report.evidence else ()
    header = ("generator", "topic's clock less its own, ms", "uncertainty, ± ms")
    return Table(
        header,
        tuple(
            (str(each.generator), f"{each.offset_ms:.3f}", f"{each.uncertainty_ms:.3f}")
            for each in clocks
        ),
    )


def _moments(report: Report) -> Table:
    header = ("at", "what", "source", "recovered after")
    rows = (
        (iso_time(each.at_ns), each.text, each.source.value, _recovered(each))
        for each in report.timeline.moments
    )
    return Table(header, tuple(rows))


def _recovered(moment: Moment) -> str:
    if moment.source is Source.OBSERVED:
        return ""
    if moment.recovered_after_ms is None:
        return "no request was disturbed"
    took = f"{moment.recovered_after_ms / 1000:.1f} s"
    return took if moment.is_recovered else f"not within {took}"


def _thresholds(report: Report) -> Table:
    rows = (
        (each.threshold.text, each.shown, "kept" if each.holds else "broken")
        for each in report.thresholds
    )
    return Table(("threshold", "measured", "result"), tuple(rows))


def _state(report: Report) -> Table:
    """Show the numbers of the state that differ, each with the events that tell most of it."""
    frame = tables.state(report).head(SHOWN_DIFFERENCES).drop(columns="events")
    table = _as_text(frame.astype(object).where(frame.notna(), "unknown"))
    events = (
        ", ".join(map(_event, each.entries[:SHOWN_EVENTS]))
        for each in report.state.differences[:SHOWN_DIFFERENCES]
    )
    rows = zip(table.rows, events, strict=True)
    return Table((*table.header, "events"), tuple((*row, told) for row, told in rows))


def _event(entry: Entry) -> str:
    """Say what an event was to change, and where it is."""
    at = "not in the topic" if entry.offset is None else f"at {entry.partition}:{entry.offset}"
    changes = {"asked": entry.expected, "done": entry.implied}
    told = ", ".join(f"{name} {change:+}" for name, change in changes.items() if change is not None)
    return f"{entry.event_type} {entry.id} ({told}; {at})"


def _exceptions(path: Path) -> Table:
    frame = pd.read_csv(path, nrows=SHOWN_EXCEPTIONS, dtype=str, keep_default_na=False)
    return _as_text(frame[list(_EXCEPTION_COLUMNS)])


def _as_text(frame: pd.DataFrame) -> Table:
    header = tuple(str(name).replace("_", " ") for name in frame.columns)
    rows = (tuple(str(value) for value in row) for row in frame.itertuples(index=False))
    return Table(header, tuple(rows))


def _facts(report: Report) -> Iterator[tuple[str, str]]:
    manifest, evidence = report.manifest, report.evidence
    yield "Scenario", manifest.scenario
    yield "Service", manifest.host
    yield "Topic", f"{manifest.topic} ({manifest.cleanup_policy}) on cluster {manifest.cluster_id}"
    yield "Delivery promise", manifest.promise or "not stated"
    yield "Began", manifest.created_at
    yield "Ended", report.end.read_at
    yield "Verified", report.verified_at
    if evidence is not None:
        ledger = evidence.ledger
        torn = f", {len(ledger.torn)} of them never sealed" if ledger.torn else ", all sealed"
        yield "Ledger", f"{len(ledger.generators)} generators{torn}"
    for name, value in sorted(manifest.options.items()):
        yield f"Option {name}", str(value)
    for name, version in report.versions.items():
        yield f"Version of {name}", version
