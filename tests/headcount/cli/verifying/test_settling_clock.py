"""Settling: read on while events are missing, up to the settle time, whatever else arrives."""

import itertools
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import pytest
from headcount_analysis.read.settling_policy import Reach, Waits

from headcount.cli.verifying import settling_clock
from headcount.cli.verifying.settling_clock import SinceAnswer, TopicSettling
from headcount.errors import PartError
from headcount.run.manifest import End

SEAL_NS = 1_700_000_000_000_000_000
S = 1_000_000_000


@dataclass
class Clock:
    """The judgement's clocks, which advance only in `sleep`; `now_s` is from the seal."""

    now_s: float = 0.0

    def monotonic(self) -> float:
        """An arbitrary epoch."""
        return 5000 + self.now_s

    def time_ns(self) -> int:
        """Unix time."""
        return SEAL_NS + int(self.now_s * S)

    def sleep(self, duration_s: float) -> None:
        """Let time pass."""
        self.now_s += duration_s


@dataclass
class Topic:
    """A topic of one partition, where the run's events, and perhaps others, arrive at set times.

    `reading_s` is how long it takes to read and compare once. `log_start` is by time.
    """

    clock: Clock
    arrivals_s: list[float]
    expected: int
    noise_per_s: int = 0
    reading_s: float = 0.3
    log_start: Callable[[float], int] = lambda _now_s: 0
    dies_at_s: float = float("inf")
    recorded: list[int] = field(default_factory=list)
    kept: list[End] = field(default_factory=list)

    def record(self) -> Reach:
        """Record the end."""
        now_s = self.clock.now_s
        if now_s >= self.dies_at_s:
            raise PartError("no Kafka broker answered at kafka:9092 within 10 s: refused")
        arrived = sum(at_s <= now_s for at_s in self.arrivals_s)
        self.recorded.append(arrived)
        offset = arrived + int(self.noise_per_s * now_s)
        return Reach(End({0: offset}, {0: self.log_start(now_s)}, f"{now_s:.1f}", sealed=True))

    def judge(
        self, waits: Waits, age_s: float | None = 0.0, answered_ns: int | None = None
    ) -> tuple[End, int]:
        """Read as the judgement does; return the end and how many events were missing."""
        since = SinceAnswer(age_s, self.clock.time_ns(), self.clock.monotonic())
        settling = TopicSettling(self.record, self.kept.append, waits, since)
        reach: Reach | None = settling.begin()
        missing = 0
        while reach is not None:
            missing = self.expected - self.recorded[-1]
            self.clock.sleep(self.reading_s)
            reach = settling.later(missing, answered_ns, lambda _step: None)
        return settling.settled(), missing


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that replaces the machine's."""
    made = Clock()
    monkeypatch.setattr(settling_clock, "time", made)
    return made


def every(times: Iterable[float]) -> list[float]:
    """Return arrival times in order."""
    return sorted(times)


def test_a_clean_run_is_read_once(clock: Clock) -> None:
    """It only waits for half a second after the last response."""
    topic = Topic(clock, [0.0] * 50, 50)
    end, missing = topic.judge(Waits())
    assert (missing, end.watched_s, len(topic.recorded)) == (0, 0.5, 1)
    assert topic.kept == [end]


def test_a_noisy_topic_delays_no_clean_run(clock: Clock) -> None:
    """Another producer writes 500 messages a second."""
    topic = Topic(clock, [0.0] * 50, 50, noise_per_s=500)
    end, missing = topic.judge(Waits())
    assert (missing, end.watched_s, len(topic.recorded)) == (0, 0.5, 1)


@pytest.mark.parametrize("noise_per_s", [0, 500])
def test_what_comes_after_eight_seconds_is_not_lost(clock: Clock, noise_per_s: int) -> None:
    """An outbox is emptied then: reading goes on until all is there, and half a second more."""
    topic = Topic(clock, every([0.0] * 30 + [8.0] * 20), 50, noise_per_s)
    end, missing = topic.judge(Waits())
    assert missing == 0
    assert end.watched_s is not None
    assert 8.5 <= end.watched_s <= 10
    assert (end.moving, end.cut_short) == (0, "")


@pytest.mark.parametrize("noise_per_s", [0, 500])
def test_noise_hides_no_loss(clock: Clock, noise_per_s: int) -> None:
    """Events missing at the end are lost, and nothing was still arriving."""
    topic = Topic(clock, [0.0] * 45, 50, noise_per_s)
    end, missing = topic.judge(Waits())
    assert (missing, end.watched_s, end.moving) == (5, 10, 0)
    assert end.is_final([])


@pytest.mark.parametrize("settle_s", [0.0, 0.5, 2.0, 10.0, 120.0])
def test_the_time_to_settle_is_kept(clock: Clock, settle_s: float) -> None:
    """No more and no less, except for the half second that each run is watched."""
    topic = Topic(clock, [0.0] * 45, 50, noise_per_s=7)
    end, _ = topic.judge(Waits(settle_s))
    assert end.watched_s == max(0.5, settle_s)
    assert len(topic.recorded) < 50


def test_events_that_still_arrive_at_the_end_are_counted(clock: Clock) -> None:
    """Ten events came in the last second, and ten more would have come."""
    topic = Topic(clock, every([0.0] * 30 + [9.6] * 10 + [10.4] * 10), 50)
    end, missing = topic.judge(Waits())
    assert (missing, end.moving, end.watched_s) == (10, 10, 10)


def test_the_topic_is_watched_for_so_long(clock: Clock) -> None:
    """A message that follows after 6 s is within the end."""
    topic = Topic(clock, every([0.0] * 50 + [6.0]), 51)
    clean, _ = Topic(clock, [0.0] * 50, 50).judge(Waits())
    assert clean.end_offsets == {0: 50}
    end, _ = topic.judge(Waits(watch_for_s=8))
    assert (end.end_offsets, end.watched_s) == ({0: 51}, 8)


@pytest.mark.parametrize("age_s", [3600.0, 30.0, 5.0, 0.0, -3600.0])
def test_no_clock_prolongs_the_wait(clock: Clock, age_s: float) -> None:
    """A seal from the future counts as one of now, and an old seal needs no wait."""
    topic = Topic(clock, [0.0] * 45, 50)
    topic.judge(Waits(), age_s)
    waited_s = clock.now_s
    assert waited_s == pytest.approx(max(0.3, 10 - max(0.0, age_s)))


def test_a_ledger_from_a_clock_that_is_behind_cuts_no_wait_short(clock: Clock) -> None:
    """Nothing proves how old the seals are, and the ledger is dated an hour too early."""
    topic = Topic(clock, every([0.0] * 45 + [3.0] * 5), 50)
    end, missing = topic.judge(Waits(), None, SEAL_NS - 3600 * S)
    assert missing == 0
    assert end.watched_s is not None
    assert 3 <= end.watched_s <= 10


def test_the_later_time_of_the_last_response_counts(clock: Clock) -> None:
    """The ledger's, if it is later than the seals are."""
    since = SinceAnswer(3600, clock.time_ns(), clock.monotonic())
    assert since.at(clock.monotonic()) == 3600
    since.use_last_response(SEAL_NS - 2 * S)
    assert since.at(clock.monotonic()) == 2
    since.use_last_response(SEAL_NS - 7200 * S)
    assert since.at(clock.monotonic()) == 2
    since.use_last_response(SEAL_NS + 60 * S)
    assert since.at(clock.monotonic()) == 0


def test_a_run_that_was_watched_until_its_end_needs_no_clock(clock: Clock) -> None:
    """However wrong the ledger's is."""
    since = SinceAnswer(None, clock.time_ns(), clock.monotonic())
    since.use_last_response(SEAL_NS - 7200 * S)
    assert since.at(clock.monotonic()) == 0


def test_an_emptied_outbox_restarts_the_settle_time(clock: Clock) -> None:
    """Its last events may take as long to arrive as the last acknowledged ones."""
    since = SinceAnswer(60, clock.time_ns(), clock.monotonic())
    clock.sleep(20)
    since.restart()
    assert since.at(clock.monotonic()) == 0


def test_earlier_ends_are_kept_while_events_are_missing(clock: Clock) -> None:
    """Each with the last time at which nothing lay beyond it; without a loss they prove nothing."""
    arrivals_s = every([0.0] * 40 + [3.2] * 4 + [6.0] * 5)
    end, missing = Topic(clock, arrivals_s, 50, reading_s=0).judge(Waits())
    assert (missing, end.end_offsets) == (1, {0: 49})
    (first, second) = end.earlier
    assert (first.end_offsets, second.end_offsets) == ({0: 40}, {0: 44})
    assert 2 < first.watched_s <= 3.2
    assert 4.8 < second.watched_s <= 6
    settled, missing = Topic(clock, arrivals_s, 49).judge(Waits())
    assert (missing, settled.earlier) == (0, ())


def test_a_broker_that_goes_away_meanwhile(clock: Clock) -> None:
    """The messages already read count, and the end is not final."""
    topic = Topic(clock, [0.0] * 45, 50, dies_at_s=3)
    end, missing = topic.judge(Waits())
    assert (missing, end.end_offsets) == (5, {0: 45})
    assert end.cut_short.startswith("no Kafka broker answered")
    assert end.watched_s is not None
    assert 1 < end.watched_s < 3
    assert not end.is_final([])


def test_retention_that_deletes_what_was_read_does_not_matter(clock: Clock) -> None:
    """The deleted messages were read before, and reading goes on after them."""
    topic = Topic(clock, every([0.0] * 30 + [5.0] * 20), 50, log_start=lambda s: 12 if s > 2 else 0)
    end, missing = topic.judge(Waits())
    assert (missing, end.cut_short, end.log_start_offsets) == (0, "", {0: 0})


def test_retention_that_deletes_what_was_not_read(clock: Clock) -> None:
    """The missing events may have been among the deleted messages."""
    topic = Topic(clock, [0.0] * 30, 50, 500, log_start=lambda s: 2000 if s > 3 else 0)
    end, missing = topic.judge(Waits())
    assert missing == 20
    assert "of partition 0 were deleted by the topic's retention before they were read" in (
        end.cut_short
    )
    assert not end.is_final([])


def test_ends_are_recorded_in_time() -> None:
    """However long reading takes: later messages are neither within the end nor moving."""
    began_s = time.monotonic()
    recorded_s: list[float] = []

    def record() -> Reach:
        recorded_s.append(time.monotonic() - began_s)
        return Reach(End({0: len(recorded_s)}, {0: 0}, "now", sealed=True))

    kept: list[End] = []
    settling = TopicSettling(record, kept.append, Waits(2, 0), SinceAnswer(None))
    settling.begin()
    with settling.recording_in_time():
        deadline_s = time.monotonic() + 60
        while len(recorded_s) < 3 and time.monotonic() < deadline_s:
            time.sleep(0.01)
        time.sleep(0.2)
        shortly_before = settling.later(9, None, lambda _step: None)
        last = settling.later(5, None, lambda _step: None)
        assert shortly_before is not None
        assert last is not None
        assert (shortly_before.end.end_offsets, last.end.end_offsets) == ({0: 2}, {0: 3})
        assert settling.later(5, None, lambda _step: None) is None
    end = settling.settled()
    assert (end.end_offsets, end.moving) == ({0: 3}, 0)
    assert end.watched_s is not None
    assert 2 <= end.watched_s <= recorded_s[2] < 60
    assert kept == [end]


def test_a_run_that_is_judged_in_time_is_recorded_once() -> None:
    """The background timers are cancelled."""
    counter = itertools.count()
    record = lambda: Reach(End({0: next(counter)}, {}, "now", sealed=True))  # noqa: E731
    settling = TopicSettling(record, lambda _end: None, Waits(0.1, 0), SinceAnswer(None))
    settling.begin()
    with settling.recording_in_time():
        assert settling.later(0, None, lambda _step: None) is None
    time.sleep(0.3)
    assert next(counter) == 1
