"""Past runs: what is in the reports' folder, the latest first.

A run's folder may come from anywhere, so symbolic links in it, and one in its place, are not
followed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from headcount.errors import HeadcountError
from headcount.files import is_own
from headcount.run.folder import RunFolder
from headcount.run.ids import is_run_id
from headcount.run.verdict import Result, VerdictTold, read_verdict

MOST = 500
FILES = (
    *("report.html", "summary.md", "verdict.json", "junit.xml"),
    *("summary.csv", "latency.csv", "exceptions.csv", "percentiles.csv", "over_time.csv"),
)
"""What may be read of a run's folder."""


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run, with its verdict where it has one, and those of FILES that it has."""

    run_id: str
    created_at: str
    scenario: str
    verdict: VerdictTold | None
    files: tuple[str, ...]

    @property
    def broken(self) -> int:
        """How many thresholds it did not keep to."""
        return self._thresholds(Result.BROKEN)

    @property
    def unproven(self) -> int:
        """How many thresholds could not be decided."""
        return self._thresholds(Result.UNPROVEN)

    def count(self, name: str) -> int | None:
        """One of its counts; None where nothing was counted."""
        counts = None if self.verdict is None else self.verdict.counts
        return None if counts is None else counts.get(name)

    def _thresholds(self, result: Result) -> int:
        thresholds = () if self.verdict is None else self.verdict.thresholds
        return sum(each.outcome is result for each in thresholds)


def past_runs(reports: Path) -> list[PastRun]:
    """Look at up to MOST runs, the latest first."""
    return sorted(_found(reports), key=lambda run: run.created_at, reverse=True)[:MOST]


def past_run(reports: Path, run_id: str) -> RunFolder | None:
    """Give the folder of a run; None where there is none of that name, or a link in its place."""
    folder = RunFolder(reports / run_id)
    return folder if is_run_id(run_id) and is_own(folder.path, "run.json") else None


def _found(reports: Path) -> Iterator[PastRun]:
    for name in [path.name for path in reports.iterdir()] if reports.is_dir() else []:
        folder = past_run(reports, name)
        if folder is None:
            continue
        try:
            manifest = folder.read_manifest()
        except HeadcountError:
            continue  # no run that could be judged
        files = tuple(each for each in FILES if is_own(folder.path, each))
        yield PastRun(
            name, manifest.created_at, manifest.scenario, read_verdict(folder.path), files
        )
