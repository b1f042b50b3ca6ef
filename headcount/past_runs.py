"""Past runs: what is in the reports' folder, the latest first."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from headcount.errors import HeadcountError
from headcount.ids import is_run_id
from headcount.run import RunFolder
from headcount.verdict import VerdictTold, read_verdict

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
        thresholds = () if self.verdict is None else self.verdict.thresholds
        return sum(not each.holds for each in thresholds)

    def count(self, name: str) -> int | None:
        """One of its counts; None where nothing was counted."""
        counts = None if self.verdict is None else self.verdict.counts
        return None if counts is None else counts.get(name)


def past_runs(reports: Path) -> list[PastRun]:
    """Look at up to MOST runs, the latest first."""
    return sorted(_found(reports), key=lambda run: run.created_at, reverse=True)[:MOST]


def _found(reports: Path) -> Iterator[PastRun]:
    for name in [path.name for path in reports.iterdir()] if reports.is_dir() else []:
        folder = RunFolder(reports / name)
        if not is_run_id(name) or not folder.manifest_path.is_file():
            continue
        try:
            manifest = folder.read_manifest()
        except HeadcountError:
            continue  # no run that could be judged
        files = tuple(each for each in FILES if (folder.path / each).is_file())
        yield PastRun(
            name, manifest.created_at, manifest.scenario, read_verdict(folder.path), files
        )
