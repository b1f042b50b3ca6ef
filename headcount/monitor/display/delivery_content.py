"""The Delivery tab's content: the figures of a running test, and then those of its verdict. Pure.

While the test runs, the figures are those of the generators' reports and of the topic watcher. Once
there is a verdict, they are the verdict's, as in the report.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from headcount.ledger.event_types import TOTAL
from headcount.monitor.display.explanations import CLASSES, LIVE, ON_THE_WAY
from headcount.monitor.display.run_view import RunStage, RunView
from headcount.monitor.live_stats import RATE_OVER_S, Line, LiveSnapshot
from headcount.run.address import without_secrets
from headcount.run.manifest import Manifest
from headcount.run.utc import clock_text
from headcount.run.verdict import StoredVerdict, against, tally_of

_STAGES = {
    RunStage.RUNNING: ("RUNNING", "The test is running; its figures are preliminary."),
    RunStage.JUDGING: ("JUDGING", "The test is over, and its verdict is being prepared."),
    RunStage.NOT_JUDGED: ("NOT JUDGED", ""),
}
_FATES = ("delivered", "lost", "duplicated", "recovered", "absent", "refused", "ghost")
_ALWAYS = ("attempted", "acked", "delivered", "lost", "duplicated")
_NEUTRAL = ("attempted", "acked", "failed", "indeterminate", "delivered")
_OUTCOMES = frozenset({"failed", "indeterminate"})
"""Outcomes without a column in the table; the columns of classes, such as refused, say more."""

_UNKNOWN = "\u2013"
_NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure; `kind` names its colour if it needs attention, and `note` is shown below it."""

    id: str
    name: str
    value: str
    explanation: str
    note: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class AttemptPart:
    """A part of all attempts; the parts add up to them."""

    name: str
    kind: str
    count: int


@dataclass(frozen=True, slots=True)
class TypeColumn:
    """A column of the table by event type."""

    name: str
    explanation: str


def content(view: RunView) -> dict[str, Any]:
    """Return the state of a run as plain values for the page's script."""
    snapshot, verdict = view.snapshot, view.verdict
    counts = None if verdict is None else verdict.counts
    figures = _live(snapshot) if verdict is None or counts is None else _final(verdict, counts)
    return {
        "run_id": view.manifest.run_id,
        "stage": view.stage,
        "facts": list(_facts(view.manifest)),
        **_banner(view, verdict),
        "notices": list(_notices(view)),
        **figures,
        "failures": snapshot.failures,
        "chart": _chart(snapshot),
        "checks": [] if verdict is None else [asdict(check) for check in verdict.checks],
        "tally": "" if verdict is None else tally_of(verdict.checks),
        "thresholds": [
            {"text": threshold.text, "shown": threshold.shown, "result": threshold.outcome}
            for threshold in (() if verdict is None else verdict.thresholds)
        ],
    }


def _facts(manifest: Manifest) -> Iterator[str]:
    yield clock_text(manifest.created_at)
    yield manifest.scenario.rpartition("/")[2]
    yield without_secrets(manifest.host)
    yield f"topic {manifest.topic}"
    if manifest.promise:
        yield manifest.promise


def _banner(view: RunView, verdict: StoredVerdict | None) -> dict[str, Any]:
    """Return the label with its colour and meaning, and the reasons; the same as the report's."""
    if verdict is not None:
        label, reasons = verdict.label, list(_reasons(verdict))
        shown = {"label": f"{label.mark} {label.value}", "colour": label.colour}
        return {**shown, "meaning": verdict.meaning, "reasons": reasons, "step": ""}
    label_text, meaning = _STAGES.get(view.stage, _STAGES[RunStage.JUDGING])
    colour = "yellow" if view.stage is RunStage.NOT_JUDGED else "plain"
    return {
        "label": label_text,
        "colour": colour,
        "meaning": meaning or view.why_not,
        "reasons": [],
        "step": view.step,
    }


def _reasons(verdict: StoredVerdict) -> Iterator[dict[str, str]]:
    """Yield why the run is not a pass, most important first."""
    if not verdict.checks:
        yield from ({"text": reason, "remedy": ""} for reason in verdict.reasons)
    for check in against(verdict.checks):
        yield {"text": check.evidence or check.name, "remedy": check.remedy}


def _notices(view: RunView) -> Iterator[str]:
    if view.abort:
        yield f"The test was stopped by a threshold: {view.abort}"
    if view.not_watched and view.stage is RunStage.RUNNING:
        yield f"{view.not_watched[0].upper()}{view.not_watched[1:]}"


def _live(snapshot: LiveSnapshot) -> dict[str, Any]:
    lines = {**snapshot.by_event_type, TOTAL: snapshot.total}
    rows = [[name, *_cells(line)] for name, line in lines.items()]
    columns = [TypeColumn(name, LIVE[name]) for name in _CELLS]
    return {
        "attempted": _number(snapshot.total.generated),
        "parts": [asdict(part) for part in _live_parts(snapshot) if part.count],
        "tiles": [asdict(tile) for tile in _live_tiles(snapshot)],
        "by_event_type": _without_zeros(columns, rows, keep=5),
    }


def _live_parts(snapshot: LiveSnapshot) -> Iterator[AttemptPart]:
    """Yield the parts of the attempts so far; missing events do not count as on the way."""
    total = snapshot.total
    absent = max(snapshot.missing, total.behind or 0) if snapshot.is_watched else total.acked
    yield AttemptPart("arrived", "delivered", max(0, total.acked - absent))
    yield AttemptPart(ON_THE_WAY, "in-flight", max(0, absent - snapshot.missing))
    yield AttemptPart("missing", "lost", min(snapshot.missing, total.acked))
    yield AttemptPart("failed", "refused", total.failed)
    yield AttemptPart("indeterminate", "indeterminate", total.indeterminate)
    yield AttemptPart("in flight", "started", total.in_flight)


def _live_tiles(snapshot: LiveSnapshot) -> Iterator[Tile]:
    total, is_watched = snapshot.total, snapshot.is_watched
    rate = _UNKNOWN if snapshot.rate is None else f"{_figure(snapshot.rate)}/s"
    p99 = _UNKNOWN if snapshot.p99_ms is None else f"{_figure(snapshot.p99_ms)} ms"
    seen = {
        name: _number(value) if is_watched else _UNKNOWN
        for name, value in (
            ("arrived", total.arrived),
            ("behind", total.behind),
            ("missing", snapshot.missing),
            ("duplicated", snapshot.duplicated),
        )
    }
    late = f"by {_figure(snapshot.behind_s)} s" if is_watched and total.behind else ""
    missing = "lost" if snapshot.missing else ""
    duplicated = "duplicated" if snapshot.duplicated else ""
    yield Tile("generated", "attempted", _number(total.generated), LIVE["attempted"])
    yield Tile("acked", "acknowledged", _number(total.acked), LIVE["acked"])
    yield Tile("arrived", "arrived in the topic", seen["arrived"], LIVE["arrived"])
    yield Tile("missing", "missing", seen["missing"], LIVE["missing"], kind=missing)
    yield Tile("duplicated", "duplicated", seen["duplicated"], LIVE["duplicated"], kind=duplicated)
    failed, indeterminate = total.failed, total.indeterminate
    if failed:
        yield Tile("failed-requests", "failed", _number(failed), LIVE["failed"], kind="refused")
    if indeterminate:
        yield Tile(
            *("indeterminate", "indeterminate", _number(indeterminate), LIVE["indeterminate"]),
            kind="indeterminate",
        )
    yield Tile("rate", "rate", rate, LIVE["rate"], f"last {RATE_OVER_S} s")
    yield Tile("p99", "HTTP p99", p99, LIVE["p99"], "recent requests")
    yield Tile("in_flight", "in flight", _number(total.in_flight), LIVE["in flight"])
    yield Tile("behind", "behind", seen["behind"], LIVE["behind"], late)


_CELLS = ("attempted", "acked", "arrived", "in flight", "behind", "failed", "indeterminate")


def _cells(line: Line) -> Iterator[int | None]:
    yield from (line.generated, line.acked, line.arrived, line.in_flight, line.behind)
    yield from (line.failed, line.indeterminate)


def _final(verdict: StoredVerdict, counts: Mapping[str, int]) -> dict[str, Any]:
    """Return the verdict's own counts, which replace the live ones."""
    by_type = {**dict(sorted((verdict.by_event_type or {}).items())), TOTAL: counts}
    shown = [name for name in CLASSES if name not in _OUTCOMES]
    columns = [TypeColumn(name, CLASSES[name]) for name in shown]
    rows = [[name, *(of_type.get(key, 0) for key in shown)] for name, of_type in by_type.items()]
    fates = [AttemptPart(name, name, counts.get(name, 0)) for name in _FATES]
    return {
        "attempted": _number(counts.get("attempted", 0)),
        "parts": [asdict(part) for part in fates if part.count],
        "tiles": [asdict(tile) for tile in _final_tiles(counts)],
        "by_event_type": _without_zeros(columns, rows, keep=2),
    }


def _final_tiles(counts: Mapping[str, int]) -> Iterator[Tile]:
    for name, explanation in CLASSES.items():
        count = counts.get(name, 0)
        if not count and name not in _ALWAYS:
            continue
        kind = name if count and name not in _NEUTRAL else ""
        acked = counts.get("acked", 0)
        note = _share(count, acked) if name == "lost" and count and acked else ""
        shown = {"attempted": "attempted", "acked": "acknowledged"}.get(name, name)
        tile_id = {"attempted": "generated"}.get(name, name)
        yield Tile(tile_id, shown, _number(count), explanation, note, kind)


def _share(count: int, of: int) -> str:
    """Format a share as a percentage and as `1 in N`."""
    return f"{100 * count / of:.3g} % of acknowledged, 1 in {of / count:,.0f}"


def _without_zeros(
    columns: list[TypeColumn], rows: list[list[Any]], *, keep: int
) -> dict[str, list[Any]]:
    """Leave out the columns that are zero for each event type, except for the first `keep` ones.

    The last row is the total. A figure that is zero for each event type but not in the total is
    shown in a tile instead.
    """
    of_types = rows[:-1] or rows
    shown = [at for at in range(len(columns)) if at < keep or any(row[at + 1] for row in of_types)]
    return {
        "columns": [asdict(columns[at]) for at in shown],
        "rows": [[row[0], *(_number(row[at + 1]) for at in shown)] for row in rows],
    }


def _chart(snapshot: LiveSnapshot) -> dict[str, Any]:
    first_ns = snapshot.first_sent_ns
    return {
        "first_ms": None if first_ns is None else first_ns // _NS_PER_MS,
        "bin_s": snapshot.bin_s,
        "sent_s": snapshot.sent_s,
        "is_watched": snapshot.is_watched,
        "bins": [
            [
                send_bin.start_s,
                send_bin.attempted,
                send_bin.acked,
                send_bin.arrived,
                send_bin.missing,
            ]
            for send_bin in snapshot.bins
        ],
    }


def _number(value: int | None) -> str:
    return "unknown" if value is None else f"{value:,}"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"  # noqa: PLR2004 - two digits
