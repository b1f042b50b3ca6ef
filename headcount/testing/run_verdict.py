"""The verdict of a run, for tests."""

import csv
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from headcount.errors import EvidenceError
from headcount.run.verdict import Label, StoredVerdict, read_verdict

MOST_SHOWN = 5
"""The most requests that are listed in a failed assertion."""


@dataclass(frozen=True, slots=True)
class UndeliveredRequest:
    """A row of `exceptions.csv`.

    It is a stray message, or a request that was not delivered exactly once and intact.
    """

    event_id: str
    class_name: str
    event_type: str
    what_happened: str

    def __str__(self) -> str:
        return f"{self.class_name}: {self.event_type} {self.event_id}, {self.what_happened}"


@dataclass(frozen=True, slots=True)
class RunVerdict:
    """The verdict of a run, and the folder where the rest is."""

    folder: Path
    stored: StoredVerdict

    @property
    def passed(self) -> bool:
        """Whether every acknowledged request was delivered, and every threshold kept."""
        return self.label is Label.PASS

    @property
    def label(self) -> Label:
        """The label: PASS, THRESHOLD BROKEN, FAIL or INCONCLUSIVE."""
        return self.stored.label

    @property
    def reasons(self) -> tuple[str, ...]:
        """What keeps the run from passing, most important first."""
        return self.stored.reasons

    @property
    def counts(self) -> Mapping[str, int]:
        """The number of requests or messages of each outcome, class and flag."""
        return self.stored.counts or {}

    @property
    def report(self) -> Path:
        """The HTML report."""
        return self.folder / "report.html"

    def undelivered(self, class_name: str = "") -> Iterator[UndeliveredRequest]:
        """Yield the rows of `exceptions.csv`; only those of one class, if it is named."""
        with (self.folder / "exceptions.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if class_name in {"", row["class"]}:
                    cells = (row["id"], row["class"], row["event_type"], row["where"])
                    yield UndeliveredRequest(*cells)

    @property
    def summary(self) -> str:
        """The label, the reasons, the first requests that were not delivered, and the report."""
        rows = map(str, itertools.islice(self.undelivered(), MOST_SHOWN))
        return "\n".join([self.label.value, *self.reasons, *rows, f"report: {self.report}"])

    def __str__(self) -> str:
        return self.summary


def verdict_in(folder: Path) -> RunVerdict:
    """Read the verdict of a run. EvidenceError if it has none."""
    stored = read_verdict(folder)
    if stored is None:
        raise EvidenceError(f"{folder} has no valid verdict.json")
    return RunVerdict(folder, stored)
