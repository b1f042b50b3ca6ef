"""An entry of the history: the part of one run's `verdict.json` that the history shows.

The index keeps entries. Both files may come from anywhere, so every field is validated and bounded.
"""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field
from pydantic.dataclasses import dataclass as validated

from headcount.errors import EvidenceError
from headcount.run.target import target_of
from headcount.run.verdict import Label, against
from headcount.thresholds.metrics import Metric
from headcount_analysis.compare_runs.change import measured
from headcount_analysis.compare_runs.comparable import UNESSENTIAL_OPTIONS
from headcount_analysis.compare_runs.facts import judged_by
from headcount_analysis.compare_runs.runs import Document, parse_document

SAMPLED = (
    Metric("rps"),
    Metric("http", None, "p50"),
    Metric("http", None, "p99"),
    Metric("end_to_end", None, "p99"),
)
"""The sampled metrics of the history; all other figures are counts."""

_MOST_LETTERS = 200
_MOST_BROKEN = 3
_UNITS = ("num_users", "rate", "run_time")
_UNREMARKABLE = frozenset({"processes", "expect_workers", "spawn_rate", "spacing"})
"""Options that tell series apart, but are not part of a title."""

_Short = Annotated[str, Field(max_length=_MOST_LETTERS)]
_Count = Annotated[int, Field(ge=0, lt=2**63)]
_Figure = Annotated[float, Field(ge=0, le=1e13)]


@validated(frozen=True, slots=True)
class HistoryEntry:
    """A run of the history.

    `load` describes its load in words; `conditions` is a digest of all that runs must have in
    common to be compared. `broken` says what kept it from a pass, the worst first. `counts` are the
    classes and flags, empty if nothing could be counted; `judged` names those that count against
    the run. `figures` are the sampled metrics that were measured: per second, or in ms.
    """

    run_id: _Short
    created_at: datetime
    scenario: _Short
    target: _Short
    load: _Short
    conditions: _Short
    label: Label
    broken: Annotated[tuple[_Short, ...], Field(max_length=_MOST_BROKEN)]
    counts: Annotated[dict[_Short, _Count], Field(max_length=100)]
    judged: Annotated[tuple[_Short, ...], Field(max_length=100)]
    figures: Annotated[dict[_Short, _Figure], Field(max_length=len(SAMPLED))]
    version: _Short = ""

    @property
    def series(self) -> tuple[str, str, str, str]:
        """What a run has in common with those it can be compared with."""
        return self.scenario, self.target, self.load, self.conditions

    @property
    def is_comparable(self) -> bool:
        """Whether its figures can be compared: those of an inconclusive run prove nothing."""
        return self.label is not Label.INCONCLUSIVE

    @property
    def defects(self) -> dict[str, int]:
        """The counts above 0 that count against the run."""
        return {name: count for name in self.judged if (count := self.counts.get(name, 0))}

    def positive(self, metric: Metric) -> float:
        """Return a sampled figure if it is above 0; 0 if not, or if it was not measured."""
        return self.figures.get(str(metric), 0.0)


def entry_of(run_id: str, content: str) -> HistoryEntry:
    """Make the entry of a run from its `verdict.json`. EvidenceError if it is damaged."""
    path = Path(run_id, "verdict.json")
    document = parse_document(path, content)
    if document.run_id != run_id:
        raise EvidenceError(f"{path} belongs to run {document.run_id[:40]!r}, not to this run")
    figures = {str(metric): measured(metric, document) for metric in SAMPLED}
    return HistoryEntry(
        run_id=run_id,
        created_at=_moment(path, document.created_at),
        scenario=_short(document.scenario),
        target=_short(target_of(document.host, document.topic)),
        load=_short(_load(document.options)),
        conditions=_conditions(document),
        label=document.label,
        broken=tuple(_broken(document)),
        counts=dict(document.counts or {}),
        judged=tuple(sorted(judged_by(document))),
        figures={name: value for name, value in figures.items() if value is not None},
        version=_short(document.versions.get("headcount", "")),
    )


def _moment(path: Path, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise EvidenceError(f"{path} is damaged: created_at: {text[:40]!r} is not a time") from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _broken(document: Document) -> Iterator[str]:
    checks = against(document.checks)
    yield from (_short(check.evidence or check.name) for check in checks[:_MOST_BROKEN])


def _essential(options: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in sorted(options.items())
        if name not in UNESSENTIAL_OPTIONS and value not in (None, "", [], False)
    }


def _load(options: dict[str, Any]) -> str:
    """Describe the load: `200/s for 300 s`, or `20 users for 30 s`, and what else was set."""
    essential = _essential(options)
    rate, users, run_time = (essential.get(name) for name in ("rate", "num_users", "run_time"))
    size = "1 user" if users == 1 else f"{users} users" if users else "load not recorded"
    parts = [f"{rate}" if rate else size]
    parts += [f"for {run_time} s"] if run_time else []
    others = (name for name in essential if name not in {*_UNITS, *_UNREMARKABLE})
    return ", ".join([" ".join(parts), *(f"{name} {essential[name]}" for name in others)])


def _conditions(document: Document) -> str:
    conditions = [_essential(document.options), document.promise, sorted(document.timestamps)]
    text = json.dumps(conditions, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _short(text: str) -> str:
    return text if len(text) <= _MOST_LETTERS else f"{text[: _MOST_LETTERS - 1]}…"
