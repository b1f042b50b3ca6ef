"""Following: a run that is followed gets the same verdict as one that is verified afterwards."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import pyarrow.fs as pafs
import pytest
from headcount_analysis.batches.expected import plain_json
from headcount_analysis.follow.run_follower import FOLDER, RunFollower, follow
from headcount_analysis.read import topic_rows
from headcount_analysis.read.read_batches import ReadBatch
from headcount_analysis.read.topic_range import OffsetRange
from headcount_analysis.read.topic_seen import TopicSeen
from headcount_analysis.report.model import Report
from headcount_analysis.spark.tables import Tables

from headcount.errors import EvidenceError
from headcount.ledger.schema import Row
from headcount.ledger.writer import LedgerWriter
from headcount.run.manifest import Generators
from headcount.run.verdict import Verdict
from tests.analysis.blocks.test_block_comparer import fates, troubled, without_time
from tests.analysis.synthetic_run import RUN, RunHistory, event_id

pytestmark = pytest.mark.e2e


@dataclass
class Course:
    """A history that grows step by step, in ledger and topic, while it is followed."""

    history: RunHistory
    writers: dict[int, LedgerWriter] = field(default_factory=dict)
    written: dict[int, int] = field(default_factory=dict)
    taken: dict[int, int] = field(default_factory=dict)
    batches: int = 0
    follower: RunFollower = field(init=False)

    def __post_init__(self) -> None:
        """Begin with an empty ledger and an empty topic."""
        (self.history.folder.path / "logs").mkdir(parents=True)
        self.taken = dict(self.history.start)
        self.start()

    def start(self) -> None:
        """Start the follower, or restart it."""
        history = self.history
        tables = Tables(history.folder.path.absolute())
        self.follower = follow(
            history.folder, history.manifest, history.limits.late_after_ms, tables, plain_json()
        )
        self.follower.settled.after_s = 0.0
        self.follower.leader_epochs = lambda: dict(history.seen.leader_epochs)
        self.follower.checkpoint.mkdir(parents=True, exist_ok=True)
        (self.follower.checkpoint / "metadata").touch()

    def write(self, generator: int, rows: list[Row], reserve: int) -> None:
        """Reserve sequence numbers for a generator, and write rows."""
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
        """Write this share of every generator's rows."""
        for generator, rows in self.history.rows.items():
            begin = self.written.get(generator, 0)
            end = round(share * len(rows))
            most = max(1, self.history.reserved.get(generator, len(rows)))
            self.write(generator, rows[begin:end], min(most, end + ahead))

    def take(self, share: float) -> None:
        """Read this share of the topic."""
        self.take_to(
            {
                partition: begin
                + round(share * (self.history.reached.end_offsets[partition] - begin))
                for partition, begin in self.history.start.items()
            }
        )

    def take_to(self, ends: dict[int, int]) -> None:
        """Read all messages before some offsets, as one batch."""
        source = self.history.source(OffsetRange("events", self.taken, ends))
        self.follower.take(source, self.batches)
        self.batches += 1
        self.taken = ends

    def seal(self) -> None:
        """Seal all generators, except those that never do."""
        for generator, writer in self.writers.items():
            if generator not in self.history.unsealed:
                writer.seal(len(self.history.rows.get(generator, [])))

    def judged(self) -> Report:
        """End the follower, and judge with its cache."""
        self.seal()
        return self.history.verified_again(self.follower.end())


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topic_rows, "BLOCK_ROWS", 20)


def assert_as_afterwards(course: Course) -> Report:
    """The report and every fate equal those of a verification with an empty cache."""
    report = course.judged()
    followed_fates = fates(course.history)
    afterwards = course.history.verified_again()
    assert without_time(report) == without_time(afterwards)
    assert followed_fates == fates(course.history)
    return report


@pytest.fixture
def course(history: RunHistory) -> Course:
    """A run of three generators, with at least one of each pathology."""
    troubled(history)
    return Course(history)


def files(course: Course, name: str) -> set[str]:
    """List the names of a finished table's files."""
    return {path.name for path in (course.history.folder.path / name).iterdir()}


def batches_kept(course: Course, batches: Iterable[ReadBatch]) -> int:
    """Count the batches that the verification did not read again."""
    kept = files(course, "arrivals.parquet")
    return sum(batch.rows.files <= kept for batch in batches)


@pytest.mark.parametrize(
    ("ahead", "lag"),
    [
        (3, 0.0),
        pytest.param(0, 0.15, marks=pytest.mark.heavy),
        pytest.param(1000, -0.1, marks=pytest.mark.heavy),
    ],
)
def test_the_verdict_equals_the_later_one(course: Course, ahead: int, lag: float) -> None:
    """Whether rows come before or after their events, however much is reserved ahead."""
    for step in range(1, 7):
        course.write_all(min(1.0, max(0.0, step / 6 - lag)), ahead)
        course.take(step / 7)
        course.follower.advance(course.history.spark.sparkContext)
    course.write_all(1.0, ahead)
    early = {block.file for block in course.follower.cache.blocks.blocks.values()}
    report = assert_as_afterwards(course)
    assert report.counts is not None
    assert report.counts.reordered >= 2
    assert early


def test_unchanged_results_are_reused(history: RunHistory) -> None:
    """Batches are not read again and blocks not compared again if nothing was added."""
    history.deliver(30)
    course = Course(history)
    for share in (0.0, 0.4, 0.8):
        course.write_all(share + 0.2, 0)
        course.take(share)
        course.follower.advance(history.spark.sparkContext)
    early = {
        block.block_input.number: block.file
        for block in course.follower.cache.blocks.blocks.values()
    }
    course.write_all(1.0, 0)
    course.seal()
    cache = course.follower.end()
    batches = list(cache.topic.batches.values())
    report = history.verified_again(cache)
    assert report.verdict is Verdict.PASS
    assert batches_kept(course, batches) == 3
    assert {early[0], early[1], early[2]} <= files(course, "fates.parquet")
    assert not list(history.folder.path.glob(".*"))


def test_a_restarted_follower_resumes(course: Course) -> None:
    """A restarted follower keeps its batches, reads none twice, and gets the same verdict."""
    course.write_all(0.5, 3)
    course.take(0.3)
    course.take(0.5)
    messages = course.follower.messages
    course.start()
    assert course.follower.messages == messages > 0
    course.follower.take(course.history.source(OffsetRange("events", {}, course.taken)), 1)
    assert course.follower.messages == messages
    course.write_all(1.0, 0)
    course.take(0.8)
    assert_as_afterwards(course)


@pytest.mark.parametrize(
    "gone",
    [pytest.param(1, marks=pytest.mark.heavy), pytest.param(2, marks=pytest.mark.slow)],
)
def test_a_missing_batch_is_read_again(course: Course, gone: int) -> None:
    """And the batch after it is not mistaken for it."""
    course.write_all(0.9, 3)
    for share in (0.2, 0.4, 0.6):
        course.take(share)
    (course.history.folder.path / FOLDER / "pieces" / f"00000000{gone}.json").unlink()
    course.start()
    assert sorted(course.follower.cache.topic.batches) == ([] if gone == 1 else [0, 1])
    course.batches = 0 if gone == 1 else course.batches
    course.taken = dict(course.history.start) if gone == 1 else course.taken
    course.take(0.7)
    course.write_all(1.0, 0)
    assert_as_afterwards(course)


@pytest.mark.parametrize("content", ["{", '{"offsets": {}}', None])
def test_after_damage_the_follower_starts_over(course: Course, content: str | None) -> None:
    """If a batch cannot be read or its messages are gone, none of it is used."""
    course.write_all(0.5, 3)
    course.take(0.5)
    if content is None:
        for path in (course.history.folder.path / ".arrivals.parquet.tmp").iterdir():
            path.unlink()
    else:
        (course.history.folder.path / FOLDER / "pieces" / "000000000.json").write_text(content)
    course.start()
    assert course.follower.cache.topic.batches == {}
    assert course.follower.messages == 0


def test_a_file_outside_the_folder_is_not_read(course: Course) -> None:
    """A batch may only name files in its own folder."""
    course.write_all(0.5, 3)
    course.take(0.5)
    path = course.history.folder.path / FOLDER / "pieces" / "000000000.json"
    (name, *_) = sorted(files(course, ".arrivals.parquet.tmp"))
    path.write_text(path.read_text().replace(name, f"../.arrivals.parquet.tmp/{name}"))
    course.start()
    assert course.follower.cache.topic.batches == {}


def test_a_batch_that_was_never_read_is_not_covered(history: RunHistory) -> None:
    """Not even by a later batch of a partition without messages in between."""
    for seq in range(20):
        history.attempt(seq, sent_ms=seq)
        history.arrive(event_id(seq), seq // 2, partition=seq % 2, at_ms=seq + 3)
    course = Course(history)
    course.write_all(1.0, 0)
    course.take_to({0: 2, 1: 2})
    course.batches, course.taken = 2, {0: 5, 1: 5}  # the second batch was scheduled, but not read
    course.take_to({0: 7, 1: 5})
    course.take_to({0: 10, 1: 10})
    report = assert_as_afterwards(course)
    assert report.verdict is Verdict.PASS


def test_messages_lost_with_a_leader_are_lost(history: RunHistory) -> None:
    """An event that was read, but vanished with its leader, is lost, as it is afterwards."""
    history.deliver(10)
    course = Course(history)
    course.follower.leader_epochs = lambda: {0: 3, 1: 0}
    course.write_all(1.0, 0)
    course.take(1.0)
    course.follower.leader_epochs = lambda: {0: 4, 1: 0}
    del history.messages[4]
    history.end = {0: 10, 1: 0}
    history.seen = TopicSeen(leader_epochs={0: 4, 1: 0})
    report = assert_as_afterwards(course)
    assert report.counts is not None
    assert report.counts.lost == 1


def test_messages_of_unknown_leaders_are_read_again(history: RunHistory) -> None:
    """A broker without leader epochs lost an event that was read: it is lost nevertheless."""
    history.deliver(10)
    history.seen = TopicSeen()
    course = Course(history)
    course.write_all(1.0, 0)
    course.take(1.0)
    del history.messages[4]
    history.end = {0: 10, 1: 0}
    report = assert_as_afterwards(course)
    assert report.counts is not None
    assert report.counts.lost == 1


def test_an_unused_id_does_not_disturb_the_follower(history: RunHistory) -> None:
    """One generator has sealed, and ids that it only reserved were published."""
    history.deliver(4)
    history.deliver(6, generator=1)
    history.arrive(event_id(9), 10)
    course = Course(history)
    course.write(0, history.rows[0], 40)
    course.write(1, history.rows[1], 40)
    course.take(1.0)
    course.writers[0].seal(4)
    course.follower.advance(history.spark.sparkContext)
    assert course.follower.blocks == 0
    course.writers[1].seal(6)
    report = history.verified_again(course.follower.end())
    assert report.counts is not None
    assert (report.counts.phantom, report.counts.delivered) == (1, 10)


GEM = {"event_type": "purchase_gem", "cut": "oval"}


def test_ids_that_are_reserved_late(history: RunHistory) -> None:
    """A message that arrives before its id is reserved is not a phantom in the end."""
    history.deliver(12)
    course = Course(history)
    course.write(0, history.rows[0][:6], 8)
    course.take(1.0)
    course.write_all(1.0, 0)
    report = assert_as_afterwards(course)
    assert report.verdict is Verdict.PASS


def test_reserved_ids_that_are_never_used(history: RunHistory) -> None:
    """A message whose id was reserved is a phantom once the seal says that it was not used."""
    history.deliver(12)
    history.arrive(event_id(15), 12)
    course = Course(history)
    course.write(0, history.rows[0][:6], 40)
    course.take(1.0)
    course.write_all(1.0, 0)
    report = assert_as_afterwards(course)
    assert report.counts is not None
    assert report.counts.phantom == 1


def test_shapes_that_become_known_late(history: RunHistory) -> None:
    """A message that arrives before its attempt's row is still compared."""
    history.deliver(12)
    history.attempt(12, event=GEM)
    history.arrive(event_id(12), 12, event=GEM)
    history.attempt(13, event=GEM)
    history.arrive(event_id(13), 13, event={**GEM, "cut": "pear"})
    course = Course(history)
    course.write(0, history.rows[0][:6], 14)
    course.take(1.0)
    course.write_all(1.0, 0)
    report = assert_as_afterwards(course)
    assert report.counts is not None
    assert (report.counts.delivered, report.counts.corrupted) == (14, 1)


def test_types_that_become_known_late(history: RunHistory) -> None:
    """A foreign message counts under its type if the run later requests that type."""
    history.deliver(12)
    history.arrive("else.0.1", 12, event=GEM)
    history.attempt(12, event=GEM)
    history.arrive(event_id(12), 13, event=GEM)
    course = Course(history)
    course.write(0, history.rows[0][:12], 13)
    course.take(13 / 14)
    course.write_all(1.0, 0)
    report = assert_as_afterwards(course)
    assert report.by_event_type["purchase_gem"].foreign == 1


def test_an_event_that_comes_late_is_counted_with_its_block(history: RunHistory) -> None:
    """A copy that arrives long after its block was compared is still a duplicate."""
    history.deliver(30)
    history.arrive(event_id(0), 30)
    history.arrive(event_id(1), 31, event={"event_type": "purchase_sword", "metal": "gold"})
    course = Course(history)
    course.write_all(1.0, 0)
    course.take(0.9)
    course.follower.advance(history.spark.sparkContext)
    course.follower.advance(history.spark.sparkContext)
    assert course.follower.blocks == 6
    report = assert_as_afterwards(course)
    assert report.counts is not None
    assert (report.counts.duplicated, report.counts.corrupted) == (2, 1)


def test_messages_beyond_the_end_are_not_counted(history: RunHistory) -> None:
    """Messages that others wrote after the run's end, even if they were read early."""
    history.deliver(10)
    for offset in range(10, 16):
        history.arrive("else.0.1", offset)
    course = Course(history)
    course.write_all(1.0, 0)
    for share in (0.5, 1.0):
        course.take(share)
    history.end = {0: 10, 1: 0}
    report = assert_as_afterwards(course)
    assert report.counts is not None
    assert (report.counts.delivered, report.counts.foreign) == (10, 0)


def test_a_segment_that_was_changed_since_is_damage(history: RunHistory) -> None:
    """A segment that was read early is read again if the file has changed."""
    history.deliver(10)
    course = Course(history)
    course.write_all(0.5, 5)
    course.take(0.5)
    course.follower.advance(history.spark.sparkContext)
    course.write_all(1.0, 0)
    course.seal()
    segment = history.folder.path / "ledger" / "0" / "segment-000000.parquet"
    segment.write_bytes(segment.read_bytes() + b"x")
    report = history.verified_again(course.follower.end())
    assert report.verdict is Verdict.INCONCLUSIVE
    assert any("has changed since it was sealed" in reason for reason in report.reasons)
    assert without_time(report) == without_time(history.verified_again())


def test_no_batch_is_read_after_the_end(course: Course) -> None:
    """A batch that arrives during the verification is left to the verification."""
    course.write_all(1.0, 0)
    course.take(0.4)
    course.follower.end()
    with pytest.raises(EvidenceError, match="no longer followed"):
        course.take(0.6)
    course.follower.advance(course.history.spark.sparkContext)
    assert sorted(course.follower.cache.topic.batches) == [0]
    assert course.follower.blocks == 0
    assert_as_afterwards(course)
