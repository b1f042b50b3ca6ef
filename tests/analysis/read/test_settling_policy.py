"""Settling: reading goes on until nothing is missing, and reads nothing twice."""

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from headcount_analysis.read.settling_policy import Reach, TopicLook, Waits
from headcount_analysis.read.topic_range import OffsetRange
from headcount_analysis.read.topic_seen import TopicSeen
from pyspark.sql import DataFrame

from headcount.errors import EvidenceError
from headcount.run.manifest import EarlierEnd, End
from headcount.run.verdict import Verdict
from tests.analysis.synthetic_run import START_NS, RunHistory, event_id

WAITS = Waits(settle_s=10)


@dataclass
class Ends:
    """The ends that are recorded one after another while events are missing."""

    history: RunHistory
    offsets: list[int]
    watched_s: float = 10.0
    moving: int = 0
    earlier: tuple[EarlierEnd, ...] = ()
    leader_epochs: dict[int, int] | None = None
    topic_id: str | None = None
    epoch_ends: dict[int, int] = field(default_factory=dict)
    missing: list[int] = field(default_factory=list)
    why_not: str = ""

    @property
    def first(self) -> End:
        """The first end."""
        return self._end(self.offsets[0])

    def later(
        self, missing: int, answered_ns: int | None, _progress: Callable[[str], None]
    ) -> Reach | None:
        """Return the next end, if there is one."""
        assert answered_ns is not None
        assert answered_ns > START_NS
        self.missing.append(missing)
        looked = len(self.missing)
        if looked >= len(self.offsets):
            return None
        end = self._end(self.offsets[looked])
        return Reach(
            end,
            topic_id=self.topic_id,
            leader_epochs=self.leader_epochs,
            epoch_ends=self.epoch_ends,
        )

    def settled(self, why_not: str = "") -> End:
        """Return the last end that was read."""
        self.why_not = why_not
        read = len(self.missing) - 1
        return replace(
            self._end(self.offsets[read]),
            watched_s=self.watched_s,
            settle_s=10.0,
            moving=self.moving,
            cut_short=why_not,
            earlier=self.earlier,
        )

    def _end(self, offset: int) -> End:
        return End({0: offset, 1: 0}, {}, "then", sealed=True)


@pytest.fixture
def outbox(history: RunHistory) -> RunHistory:
    """Six acknowledged events, the last three of which follow two foreign ones."""
    for seq in range(6):
        history.attempt(seq, sent_ms=seq)
    for seq in range(3):
        history.arrive(event_id(seq), seq, at_ms=seq + 3)
    history.arrive("of-another-run.0.0", 3, at_ms=50)
    history.arrive("of-another-run.0.1", 4, at_ms=60)
    for seq in range(3, 6):
        history.arrive(event_id(seq), seq + 2, at_ms=8000)
    return history


@pytest.mark.e2e
def test_later_messages_are_read_and_nothing_twice(
    outbox: RunHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each range is read once, and the verdict covers all of them."""
    read: list[tuple[int, int]] = []
    source = outbox.source

    def counting(offsets: OffsetRange) -> DataFrame:
        read.append((offsets.first(0), offsets.end[0]))
        return source(offsets)

    monkeypatch.setattr(outbox, "source", counting)
    ends = Ends(outbox, [3, 5, 7, 8])
    outbox.end = {0: 3, 1: 0}
    outbox.write()

    report = outbox.verified_again(settling=ends)

    assert (report.verdict, report.reasons) == (Verdict.PASS, ())
    assert report.counts is not None
    assert (report.counts.delivered, report.counts.foreign) == (6, 2)
    assert ends.missing == [3, 3, 1, 0]
    assert read == [(0, 3), (3, 5), (5, 7), (7, 8)]
    document = json.loads((outbox.folder.path / "verdict.json").read_text())
    assert document["offsets"]["0"]["end"] == 8
    assert document["watched_s"] == 10
    assert "the topic was watched for 10 s after the last response" in document["notes"]
    assert "watched for 10 s" in (outbox.folder.path / "report.html").read_text()
    assert "watched for 10 s" in (outbox.folder.path / "summary.md").read_text()


@pytest.mark.e2e
def test_the_verdict_equals_that_of_a_single_read(outbox: RunHistory) -> None:
    """Even if order and duplicates span ranges that were read separately."""
    outbox.arrive(event_id(1), 8, at_ms=8500)
    outbox.arrive(event_id(9), 9, at_ms=8600)
    outbox.write()
    outbox.end = {0: 3, 1: 0}
    apart = outbox.verified_again(settling=Ends(outbox, [3, 6, 10]))
    outbox.end = {0: 10, 1: 0}
    whole = outbox.verified_again()
    assert apart.counts == whole.counts
    assert apart.verdict is whole.verdict is Verdict.FAIL
    assert (apart.counts.duplicated, apart.counts.phantom) == (1, 1) if apart.counts else False


@pytest.mark.e2e
def test_events_missing_at_the_end_are_lost(outbox: RunHistory) -> None:
    """The settle time is over, no event arrived late, and none took nearly as long."""
    outbox.messages = [(*m[:2], min(m[2], 300), *m[3:]) for m in outbox.messages]
    outbox.end = {0: 3, 1: 0}
    outbox.write()
    report = outbox.verified_again(settling=Ends(outbox, [3, 5, 7]))
    assert report.verdict is Verdict.FAIL
    assert report.reasons[0].startswith("1 lost: acknowledged, but not in the topic")


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("moving", "watched_s", "at_ms", "reason"),
    [
        (
            2,
            10.0,
            300,
            "--settle (10 s) was nearly over when 2 acknowledged events",
        ),
        (0, 4.0, 8000, "events arrived up to 8.0 s after they were acknowledged"),
    ],
)
def test_events_that_may_still_arrive_are_not_proven_lost(
    outbox: RunHistory, moving: int, watched_s: float, at_ms: int, reason: str
) -> None:
    """Events still arrived when time was nearly over, or took longer than the topic was watched."""
    outbox.messages = [(*m[:2], min(m[2], at_ms), *m[3:]) for m in outbox.messages]
    outbox.end = {0: 3, 1: 0}
    outbox.write()
    ends = Ends(outbox, [3, 7], watched_s=watched_s, moving=moving)
    report = outbox.verified_again(settling=ends)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "1 lost" in report.reasons[0]
    assert "not proven: events may still arrive" in report.reasons[0]
    assert any(text.startswith(reason) for text in report.reasons)
    assert any("--settle" in text and "--until latest" in text for text in report.reasons)


@pytest.mark.e2e
def test_a_delay_of_all_events_is_not_a_loss(outbox: RunHistory) -> None:
    """Every event has the timestamp of its response, and three arrived 9.5 s after the last one."""
    outbox.messages = [(*m[:2], min(m[2], 5), *m[3:]) for m in outbox.messages[:-1]]
    outbox.end = {0: 3, 1: 0}
    outbox.write()
    earlier = (EarlierEnd(9.5, {0: 3, 1: 0}),)
    report = outbox.verified_again(settling=Ends(outbox, [3, 7], earlier=earlier))
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "1 lost" in report.reasons[0]
    assert any(text.startswith("events arrived up to 9.5 s after") for text in report.reasons)


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("topic_id", "epoch", "verdict"),
    [(None, 0, Verdict.PASS), (None, 1, Verdict.FAIL), ("another", 0, Verdict.INCONCLUSIVE)],
)
def test_a_topic_that_changes_while_events_are_missing(
    outbox: RunHistory,
    monkeypatch: pytest.MonkeyPatch,
    topic_id: str | None,
    epoch: int,
    verdict: Verdict,
) -> None:
    """A new leader lacks messages that were read: they are read again, and are lost.

    After the topic was recreated, nothing is proven.
    """
    source, taken = outbox.source, list(outbox.messages)

    def truncated(offsets: OffsetRange) -> DataFrame:
        if offsets.end[0] > 3:
            outbox.messages = [m for m in taken if m[1] != 2]
        return source(offsets)

    if epoch:
        monkeypatch.setattr(outbox, "source", truncated)
    outbox.end = {0: 3, 1: 0}
    outbox.write()
    ends = Ends(outbox, [3, 8], leader_epochs={0: epoch, 1: 0}, topic_id=topic_id)
    outbox.seen = TopicSeen(leader_epochs={0: 0, 1: 0})
    report = outbox.verified_again(settling=ends)
    assert report.verdict is verdict


@pytest.mark.e2e
@pytest.mark.parametrize(("epoch_ends", "lost"), [({0: 0}, 0), ({}, 2)])
def test_a_leader_that_changes_while_events_are_missing_may_have_less(
    outbox: RunHistory, epoch_ends: dict[int, int], lost: int
) -> None:
    """The later end is read from where that leader began to write, here before the start."""
    outbox.start, outbox.end = {0: 2, 1: 0}, {0: 3, 1: 0}
    outbox.write()
    outbox.seen = TopicSeen(leader_epochs={0: 0, 1: 0})
    ends = Ends(outbox, [3, 8], leader_epochs={0: 1, 1: 0}, epoch_ends=epoch_ends)
    report = outbox.verified_again(settling=ends)
    assert report.counts is not None
    assert (report.counts.delivered, report.counts.lost) == (6 - lost, lost)


@pytest.mark.e2e
def test_a_failing_read_keeps_the_earlier_results(
    outbox: RunHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the broker goes away meanwhile, one reason says so, and the loss is not proven."""
    source = outbox.source

    def dying(offsets: OffsetRange) -> DataFrame:
        if offsets.first(0):
            raise EvidenceError(
                "partition 0 of 'events', at offset 3, sent nothing within 30 s: refused"
            )
        return source(offsets)

    monkeypatch.setattr(outbox, "source", dying)
    outbox.end = {0: 3, 1: 0}
    outbox.write()
    report = outbox.verified_again(settling=Ends(outbox, [3, 8]))
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.counts is not None
    assert (report.counts.delivered, report.counts.lost) == (3, 3)
    assert sum("sent nothing within 30 s: refused" in reason for reason in report.reasons) == 1
    assert report.exit_code == 3


def test_looks_are_rare_and_end_in_time() -> None:
    """About once a second at first, then less and less often, and once at the end."""
    looks = [TopicLook(0.5, 3)]
    waits = Waits(settle_s=60)
    while (at_s := waits.next_look_s(looks)) is not None:
        looks.append(TopicLook(at_s, 3))
    gaps = [after.at_s - before.at_s for before, after in itertools.pairwise(looks)]
    assert min(gaps[:-1]) >= 1
    assert looks[-1].at_s == 60
    assert len(looks) < 35


def test_if_nothing_is_missing_nothing_moves() -> None:
    """Late arrivals count as moving only while others are missing."""
    assert WAITS.moving([]) == 0
    assert WAITS.moving([TopicLook(8, 5), TopicLook(9.8, 0)]) == 0
    assert WAITS.moving([TopicLook(0.5, 5), TopicLook(9.8, 2), TopicLook(10, 2)]) == 3
    assert (
        WAITS.moving([TopicLook(0.5, 5), TopicLook(5, 2), TopicLook(8.8, 2), TopicLook(10, 2)]) == 0
    )


def test_after_the_last_missing_event_the_topic_is_watched_briefly() -> None:
    """A duplicate may follow shortly after; then the topic has settled."""
    looks = [TopicLook(0.5, 5), TopicLook(3, 0)]
    assert WAITS.next_look_s(looks) == 3.5
    assert WAITS.next_look_s([*looks, TopicLook(3.5, 0)]) is None
    assert WAITS.next_look_s([TopicLook(0.5, 0)]) is None
