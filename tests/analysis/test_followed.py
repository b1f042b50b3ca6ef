"""Followed: a run that is followed as it goes gets the verdict that it would get afterwards."""

from dataclasses import dataclass, field

import pyarrow.fs as pafs
import pytest

from analysis import arrivals
from analysis.followed import Following, follow
from analysis.report.model import Report
from analysis.tables import Tables
from analysis.topic import OffsetRange
from headcount.ledger import LedgerWriter, Row
from headcount.run import Generators
from tests.analysis.history import RUN, History
from tests.analysis.test_blocks import fates, told, troubled

pytestmark = pytest.mark.e2e


@dataclass
class Course:
    """A history as it comes about: ledger and topic grow, a step at a time, and it is followed."""

    history: History
    writers: dict[int, LedgerWriter] = field(default_factory=dict)
    written: dict[int, int] = field(default_factory=dict)
    taken: dict[int, int] = field(default_factory=dict)
    batches: int = 0
    following: Following = field(init=False)

    def __post_init__(self) -> None:
        """Begin with an empty ledger and an empty topic."""
        (self.history.folder.path / "logs").mkdir(parents=True)
        self.taken = dict(self.history.start)
        self.start()

    def start(self) -> None:
        """Start to follow, or start again."""
        history = self.history
        tables = Tables(history.folder.path.absolute())
        self.following = follow(
            history.folder, history.manifest, history.limits.late_after_ms, tables
        )
        self.following.settled_after_s = 0.0
        self.following.checkpoint.mkdir(parents=True, exist_ok=True)
        (self.following.checkpoint / "metadata").touch()

    def write(self, generator: int, rows: list[Row], reserve: int) -> None:
        """Let a generator reserve numbers, and write rows."""
        if generator not in self.writers:
            location = str(self.history.folder.path / "ledger")
            writer = LedgerWriter(pafs.LocalFileSystem(), location, RUN, generator)
            writer.open()
            self.writers[generator] = writer
            self.history.folder.write_generators(Generators(tuple(sorted(self.writers))))
        writer = self.writers[generator]
        if reserve > writer.reserved:
            writer.reserve(reserve - writer.reserved)
        writer.write_segment(rows)
        self.written[generator] = self.written.get(generator, 0) + len(rows)

    def write_all(self, share: float, ahead: int) -> None:
        """Write so much of every generator's rows as that."""
        for generator, rows in self.history.rows.items():
            begin = self.written.get(generator, 0)
            end = round(share * len(rows))
            most = max(1, self.history.reserved.get(generator, len(rows)))
            self.write(generator, rows[begin:end], min(most, end + ahead))

    def take(self, share: float) -> None:
        """Take in so much of the topic as that."""
        ends = {
            partition: begin + round(share * (self.history.reached.end_offsets[partition] - begin))
            for partition, begin in self.history.start.items()
        }
        source = self.history.source(OffsetRange("events", self.taken, ends))
        self.following.take(source, self.batches)
        self.batches += 1
        self.taken = ends

    def seal(self) -> None:
        """Let the generators seal that do."""
        for generator, writer in self.writers.items():
            if generator not in self.history.unsealed:
                writer.seal(len(self.history.rows.get(generator, [])))

    def judged(self) -> Report:
        """End, and judge with what was found meanwhile."""
        self.seal()
        return self.history.verified_again(followed=self.following.end())


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "BLOCK_ROWS", 20)


def assert_as_afterwards(course: Course) -> Report:
    """The report and every fate are those of a judgement that begins with nothing."""
    report = course.judged()
    found = fates(course.history)
    afterwards = course.history.verified_again()
    assert told(report) == told(afterwards)
    assert found == fates(course.history)
    return report


@pytest.fixture
def course(history: History) -> Course:
    """A run of three generators, with one or more of everything among it."""
    troubled(history)
    return Course(history)


@pytest.mark.parametrize("ahead", [0, 3, 1000])
@pytest.mark.parametrize("lag", [0.0, 0.15, -0.1])
def test_the_verdict_is_that_of_afterwards(course: Course, ahead: int, lag: float) -> None:
    """Whether rows come before or after their events, and however much is reserved ahead."""
    for step in range(1, 7):
        course.write_all(min(1.0, max(0.0, step / 6 - lag)), ahead)
        course.take(step / 7)
        course.following.advance(course.history.spark)
    course.write_all(1.0, ahead)
    report = assert_as_afterwards(course)
    assert report.counts is not None
    assert report.counts.reordered >= 2
