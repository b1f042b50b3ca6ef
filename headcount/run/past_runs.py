"""Past runs: the runs in the reports folder, the latest first.

A run's folder may come from anywhere, so no symbolic link is followed, neither to it nor within it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from headcount.errors import HeadcountError
from headcount.files import is_own
from headcount.run.folder import RunFolder
from headcount.run.ids import is_run_id
from headcount.run.verdict import Result, StoredVerdict, read_verdict

MOST = 500
FILES = (
    *("report.html", "summary.md", "verdict.json", "junit.xml"),
    *("summary.csv", "latency.csv", "exceptions.csv", "percentiles.csv", "over_time.csv"),
)
"""The files of a run's folder that may be read."""


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run, with its verdict if it has one, and those of FILES that exist."""

    run_id: str
    created_at: str
    scenario: str
    verdict: StoredVerdict | None
    files: tuple[str, ...]

    @property
    def broken(self) -> int:
        """How many thresholds are broken."""
        return self._thresholds(Result.BROKEN)

    @property
    def unproven(self) -> int:
        """How many thresholds could not be decided."""
        return self._thresholds(Result.UNPROVEN)

    def count(self, name: str) -> int | None:
        """Return one of its counts; None if nothing was counted."""
        counts = None if self.verdict is None else self.verdict.counts
        return None if counts is None else counts.get(name)

    def _thresholds(self, result: Result) -> int:
        thresholds = () if self.verdict is None else self.verdict.thresholds
        return sum(threshold.outcome is result for threshold in thresholds)


def past_runs(reports: Path) -> list[PastRun]:
    """Read up to MOST runs, the latest first."""
    return sorted(_runs_in(reports), key=lambda run: run.created_at, reverse=True)[:MOST]


def past_run(reports: Path, run_id: str) -> RunFolder | None:
    """Return the folder of a run; None if it does not exist or is a link."""
    folder = RunFolder(reports / run_id)
    return folder if is_run_id(run_id) and is_own(folder.path, "run.json") else None


def _runs_in(reports: Path) -> Iterator[PastRun]:
    for name in [path.name for path in reports.iterdir()] if reports.is_dir() else []:
        folder = past_run(reports, name)
        if folder is None:
            continue
        try:
            manifest = folder.read_manifest()
        except HeadcountError:
            continue  # not a run that could be judged
        files = tuple(file for file in FILES if is_own(folder.path, file))
        yield PastRun(
            name, manifest.created_at, manifest.scenario, read_verdict(folder.path), files
        )
