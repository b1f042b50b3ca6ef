"""Earlier runs: the runs of the same scenario before this one, for comparison.

Their folders lie beside this run's. Their files may come from anywhere, so they are bounded in
size, symbolic links are not followed, and their content is plain data.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter
from pydantic.dataclasses import dataclass as validated

from headcount.run.folder import RunFolder
from headcount.run.manifest import Manifest
from headcount.run.target import target_of
from headcount.run.verdict import (
    Check,
    Label,
    StoredThreshold,
    Verdict,
    label_in,
    read_stored,
)

MOST_LOOKED_AT = 50
"""How many of the latest runs are read to find those of the same scenario."""

HISTORY_PAGE = "history.html"

UNESSENTIAL_OPTIONS = frozenset({"seed", "stop_timeout"})
"""Options that do not affect the load."""

_Text = Annotated[str, Field(max_length=1000)]


@validated(frozen=True, slots=True)
class EarlierLatency:
    """One measure of one event type, in ms; percentiles by quantile, as text."""

    event_type: _Text
    measure: _Text
    percentiles: Annotated[dict[_Text, float], Field(max_length=100)]
    achieved_per_s: float | None = None


@validated(frozen=True, slots=True)
class EarlierDocument:
    """The part of an earlier run's `verdict.json` that is compared."""

    run_id: _Text
    verdict: Verdict
    scenario: _Text
    created_at: _Text
    counts: dict[_Text, int] | None = None
    latency_ms: tuple[EarlierLatency, ...] = ()
    options: dict[_Text, Any] = field(default_factory=dict)
    thresholds: tuple[StoredThreshold, ...] = ()
    checks: tuple[Check, ...] = ()
    host: _Text = ""
    topic: _Text = ""

    @property
    def label(self) -> Label:
        """The label of the run."""
        return label_in(self.verdict, self.checks, self.thresholds)


@dataclass(frozen=True, slots=True)
class EarlierRun:
    """A run of the same scenario before this one.

    `href` leads to its report from this run's folder; it is empty if there is none.
    """

    document: EarlierDocument
    href: str = ""

    def has_same_load(self, manifest: Manifest) -> bool:
        """Return whether it had the same target and the same options of the load."""
        theirs = target_of(self.document.host, self.document.topic)
        return theirs == target_of(manifest.host, manifest.topic) and not self.other_options(
            manifest.options
        )

    def other_options(self, options: Mapping[str, object]) -> tuple[str, ...]:
        """Return the names of the options of the load in which the runs differ."""
        theirs = self.document.options
        names = sorted((theirs.keys() | options.keys()) - UNESSENTIAL_OPTIONS)
        return tuple(name for name in names if theirs.get(name) != options.get(name))


_DOCUMENT = TypeAdapter(EarlierDocument)


def earlier_runs(folder: RunFolder, manifest: Manifest) -> tuple[EarlierRun, ...]:
    """Find the verified runs of the same scenario that began before this one, the latest first.

    Only the MOST_LOOKED_AT latest folders beside this one are read; a damaged one is skipped.
    """
    documents = [
        document
        for document in _latest_documents(folder)
        if document.scenario == manifest.scenario and document.created_at < manifest.created_at
    ]
    documents.sort(key=lambda document: document.created_at, reverse=True)
    return tuple(EarlierRun(document, _href(folder, document)) for document in documents)


def has_history_page(folder: RunFolder) -> bool:
    """Return whether a page of all runs, as `headcount history` writes it, is beside the runs."""
    return (folder.path.parent / HISTORY_PAGE).is_file()


def _href(folder: RunFolder, document: EarlierDocument) -> str:
    has_page = (folder.path.parent / document.run_id / "report.html").is_file()
    return f"../{document.run_id}/report.html" if has_page else ""


def _latest_documents(folder: RunFolder) -> Iterator[EarlierDocument]:
    began = {path: began_s for path in _beside(folder) if (began_s := _began_s(path)) is not None}
    for path in sorted(began, key=lambda path: -began[path])[:MOST_LOOKED_AT]:
        document = read_stored(path, _DOCUMENT)
        if document is not None and document.run_id == path.name:
            yield document


def _beside(folder: RunFolder) -> list[Path]:
    try:
        return [path for path in folder.path.parent.iterdir() if path != folder.path]
    except OSError:
        return []


def _began_s(path: Path) -> float | None:
    """Return when the manifest was written, which only orders the search; None without one."""
    try:
        return (path / "run.json").stat().st_mtime
    except OSError:
        return None
