"""The run source: reads from a run's folder what its metrics are computed from."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from headcount.errors import HeadcountError
from headcount.run.folder import RunFolder
from headcount.run.manifest import Manifest
from headcount.run.utc import unix_ns
from headcount.run.verdict import read_verdict
from headcount.telemetry.live_totals import LiveTotals, dump_totals, load_totals
from headcount.telemetry.resource_attributes import resource_attributes
from headcount.telemetry.run_points import RunJudgement, RunPoint, run_points


@dataclass(frozen=True, slots=True)
class TotalsFile:
    """The file that holds the latest totals of a run in progress."""

    path: Path

    @classmethod
    def of(cls, folder: RunFolder) -> "TotalsFile":
        """Return the file of a run."""
        return cls(folder.logs / "metrics.json")

    def write(self, totals: LiveTotals) -> None:
        """Replace the totals. Raises OSError."""
        aside = self.path.with_suffix(".tmp")
        aside.write_bytes(dump_totals(totals))
        aside.replace(self.path)

    def read(self) -> LiveTotals | None:
        """Return the totals; None if there are none."""
        try:
            return load_totals(self.path.read_bytes())
        except OSError:
            return None

    def remove(self) -> None:
        """Remove the file, if there is one. Raises OSError."""
        self.path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class RunMoment:
    """The state of a run at one moment; `began_at_ns` is in Unix time."""

    points: tuple[RunPoint, ...]
    resource: Mapping[str, str]
    began_at_ns: int
    has_verdict: bool


class RunSource:
    """Reads the state of a run, while it goes on and afterwards.

    `read_totals` returns the latest totals; None if there are no newer ones.
    """

    def __init__(
        self,
        folder: RunFolder,
        environ: Mapping[str, str],
        read_totals: Callable[[], LiveTotals | None],
    ) -> None:
        self._folder, self._environ, self._read_totals = folder, environ, read_totals
        self._manifest: Manifest | None = None
        self._totals = LiveTotals()
        self._judgement: RunJudgement | None = None

    def moment(self) -> RunMoment | None:
        """Return the state as of now; None before the run begins."""
        manifest = self._manifest = self._manifest or self._read_manifest()
        if manifest is None:
            return None
        self._totals = self._read_totals() or self._totals
        self._judgement = self._judgement or read_judgement(self._folder)
        return RunMoment(
            run_points(self._totals, self._judgement),
            resource_attributes(manifest, self._environ),
            unix_ns(manifest.created_at),
            self._judgement is not None,
        )

    def _read_manifest(self) -> Manifest | None:
        with contextlib.suppress(HeadcountError):
            return self._folder.read_manifest()
        return None


def read_judgement(folder: RunFolder) -> RunJudgement | None:
    """Return the judgement of a run; None if it is not judged yet."""
    verdict = read_verdict(folder.path)
    if verdict is None:
        return None
    with contextlib.suppress(HeadcountError):
        return RunJudgement(verdict, folder.read_locust_exit())
    return RunJudgement(verdict)
