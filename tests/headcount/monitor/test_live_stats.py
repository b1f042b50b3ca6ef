"""Live stats: generators' reports and the topic watcher's counts, combined."""

from collections.abc import Iterable

from headcount.monitor.live_stats import Line, LiveStats
from headcount.monitor.progress import Ended, Progress
from headcount.monitor.seq_bitmap import packed, pages_of
from headcount.monitor.topic_counts import TopicCounts


def report(generator: int = 0, begun: int = 0, **outcomes: int) -> Progress:
    """A generator's report about swords."""
    ended = tuple(Ended(0, "sword", name, "", count) for name, count in outcomes.items())
    return Progress(generator, {"sword": begun}, ended)


def seen(
    at_s: float, arrived: int, *, complete_at_s: float | None = None, **more: int
) -> TopicCounts:
    """The topic watcher's counts of swords."""
    whole = at_s if complete_at_s is None else complete_at_s
    return TopicCounts(
        at_s, whole, {"sword": arrived}, more.get("duplicated", 0), more.get("unread", 0)
    )


def test_reports_are_added_up() -> None:
    """The attempts begun replace those of the last report; the ended ones are added."""
    stats = LiveStats(0)
    stats.receive(report(0, 10, acked=6, failed=1), 1)
    stats.receive(report(1, 5, acked=5), 1)
    stats.receive(report(0, 12, acked=2, indeterminate=1), 2)
    stats.receive_topic(seen(2, 11))
    line = stats.snapshot(2).by_event_type["sword"]
    assert line == Line(generated=17, acked=13, failed=1, indeterminate=1, arrived=11, behind=2)
    assert line.in_flight == 2
    assert stats.snapshot(2).total == line
    assert stats.in_flight == 2


def test_messages_without_a_type() -> None:
    """Only their sum is known."""
    stats = LiveStats(0)
    stats.receive(report(0, 2, acked=2), 1)
    stats.receive_topic(TopicCounts(1, 1, {"other": 2}, 0, 0))
    assert stats.snapshot(1).by_event_type["sword"].arrived is None
    assert stats.snapshot(1).by_event_type["sword"].behind is None
    assert (stats.snapshot(1).total.arrived, stats.snapshot(1).total.behind) == (2, 0)


def test_how_far_the_topic_is_behind() -> None:
    """The time since the arrived number of events was acknowledged; 0 if all have arrived."""
    stats = LiveStats(0)
    for now_s in range(1, 11):
        stats.receive(report(0, 10 * now_s, acked=10), now_s)
    stats.receive_topic(seen(10, 70))
    assert (stats.snapshot(10).total.behind, stats.snapshot(10).behind_s) == (30, 3)
    stats.receive_topic(seen(11, 100))
    assert (stats.snapshot(11).total.behind, stats.snapshot(11).behind_s) == (0, 0)


def acked(first: int, end: int, generator: int = 0) -> Progress:
    """A generator's report of acknowledged swords, with their sequence numbers."""
    ended = (Ended(0, "sword", "acked", "", end - first),)
    return Progress(generator, {"sword": end}, ended, acked=pages_of(range(first, end)))


def arrived(at_s: float, seqs: Iterable[int], generator: int = 0) -> TopicCounts:
    """The topic watcher's counts of swords, after a complete read at that time."""
    numbers = list(seqs)
    seen = {generator: packed(pages_of(numbers))}
    return TopicCounts(at_s, at_s, {"sword": len(numbers)}, 0, 0, seen)


def test_missing_needs_a_complete_read() -> None:
    """An event is missing only if it had time to arrive and the whole topic was read since."""
    stats = LiveStats(0, settle_s=10)
    stats.receive(acked(0, 10), 1)
    stats.receive(acked(10, 20), 4)
    stats.receive_topic(arrived(10.9, range(3, 10)))
    assert stats.missing == 0
    stats.receive_topic(arrived(11, ()))
    assert stats.missing == 3
    stats.receive_topic(arrived(14, range(10, 20)))
    assert stats.missing == 3
    stats.receive_topic(arrived(15, (0, 1, 2)))
    assert stats.missing == 0


def test_other_arrivals_hide_no_loss() -> None:
    """One in 28 is lost at 65 per second; later arrivals do not make up for any of them."""
    stats, dropped = LiveStats(0, settle_s=5), set(range(0, 1427, 28))
    for second in range(22):
        first, end = 65 * second, min(1427, 65 * (second + 1))
        stats.receive(acked(first, end), second + 1)
        stats.receive_topic(arrived(second + 1, set(range(first, end)) - dropped))
        due = [seq for seq in dropped if seq < 65 * (second + 1 - 5)]
        assert stats.missing == len(due)
    assert stats.missing == 40


def test_unacknowledged_arrivals_hide_no_loss() -> None:
    """Events of timed-out requests arrive, and acknowledged ones do not."""
    stats = LiveStats(0, settle_s=5)
    stats.receive(acked(0, 5), 1)
    stats.receive_topic(arrived(20, (*range(3), 7, 8, 9)))
    assert stats.missing == 2


def test_generators_are_distinguished() -> None:
    """The same sequence number of another generator is another event."""
    stats = LiveStats(0, settle_s=5)
    stats.receive(acked(0, 5, generator=0), 1)
    stats.receive(acked(0, 5, generator=1), 1)
    stats.receive_topic(arrived(20, range(5), generator=1))
    assert stats.missing == 5


def test_a_restarted_watcher() -> None:
    """It makes no event missing, and no missing event is forgotten."""
    stats = LiveStats(0, settle_s=5)
    stats.receive(acked(0, 5), 1)
    stats.receive_topic(arrived(20, range(4)))
    stats.receive_topic(TopicCounts(21, 20, {}, 0, 4))
    stats.receive_topic(arrived(22, range(4)))
    assert stats.missing == 1


def test_a_restarted_watcher_that_has_not_read_everything() -> None:
    """Events acknowledged in a gap longer than the settle time are not missing until it has."""
    stats = LiveStats(0, settle_s=5)
    stats.receive_topic(arrived(1, ()))
    stats.receive(acked(0, 5), 2)
    stats.receive_topic(TopicCounts(20, None, {}, 0, 5))
    assert (stats.missing, stats.complete_at_s, stats.snapshot(20).unread) == (0, 1, 5)
    stats.receive_topic(arrived(21, range(5)))
    assert (stats.missing, stats.complete_at_s) == (0, 21)


def test_a_settle_time_of_zero() -> None:
    """An event acknowledged before a complete read and not seen in it is missing."""
    stats = LiveStats(0, settle_s=0)
    stats.receive(acked(0, 5), 1)
    stats.receive_topic(arrived(1, range(4)))
    assert stats.missing == 1


def test_more_arrivals_than_acknowledgements() -> None:
    """They make nothing missing."""
    stats = LiveStats(0)
    stats.receive(report(0, 10, acked=5, indeterminate=5), 1)
    stats.receive_topic(seen(20, 8))
    assert (stats.missing, stats.snapshot(20).total.behind) == (0, 0)


def test_no_other_event_takes_the_place_of_one_that_is_behind() -> None:
    """Events of failed requests arrive instead: the acknowledged ones are still behind."""
    stats = LiveStats(0)
    failed = Ended(0, "sword", "failed", "500", 2)
    for second in range(1, 6):
        stats.receive(acked(10 * second - 10, 10 * second), second)
    stats.receive(Progress(0, {"sword": 60}, (failed,)), 5)
    stats.receive_topic(arrived(6, (*range(38), 50, 51)))
    snapshot = stats.snapshot(6)
    assert (snapshot.total.arrived, snapshot.total.behind, stats.behind) == (40, 12, 12)
    assert snapshot.behind_s == 3
    stats.receive_topic(arrived(7, range(52)))
    assert (stats.snapshot(7).total.behind, stats.snapshot(7).behind_s) == (0, 0)


def test_failures_are_counted_by_cause() -> None:
    """The most frequent come first; beyond MOST_CAUSES they are grouped."""
    stats = LiveStats(0)
    causes = tuple(Ended(0, "sword", "failed", str(number), 1) for number in range(60))
    stats.receive(Progress(0, {}, (*causes, Ended(0, "sword", "failed", "503", 9))), 1)
    failures = stats.snapshot(1).failures
    assert failures[0] == ("sword", "failed", "other", 19)
    assert len(failures) == 51
    assert sum(count for *_, count in failures) == 69


def test_bins_are_by_the_second_of_sending() -> None:
    """While the test runs, the latest seconds are left out; missing events have their second."""
    stats = LiveStats(0, settle_s=1)
    starts = {second: 10 * second for second in range(5)}
    acknowledged = Progress(
        *(0, {"sword": 50}, (), (), pages_of(range(50))),
        *(105.0, 100 * 10**9, 105 * 10**9 - 1, starts, {0: 50}),
    )
    stats.receive(acknowledged, 5)
    stats.receive_topic(arrived(6, set(range(50)) - {11, 25}))
    running, over = stats.snapshot(6), stats.snapshot(6, is_over=True)
    assert [send_bin.arrived for send_bin in running.bins] == [10, 9, 9]
    assert [send_bin.missing for send_bin in over.bins] == [0, 1, 1, 0, 0]
    assert (running.rate, running.first_sent_ns, running.bin_s) == (10, 100 * 10**9, 1)


def test_a_restarted_watcher_counts_no_event_twice() -> None:
    """It reports again what it has reported already."""
    stats = LiveStats(0)
    stats.receive(Progress(0, {"sword": 5}, first_sent_ns=1, starts={0: 0}), 1)
    stats.receive_topic(arrived(1, range(5)))
    stats.receive_topic(arrived(2, range(5)))
    assert [send_bin.arrived for send_bin in stats.snapshot(2, is_over=True).bins] == [5]


def test_arrived_is_never_above_generated() -> None:
    """An event may be seen in the topic before its generator reports that it was sent."""
    stats = LiveStats(0)
    stats.receive(report(0, 10, acked=8), 1)
    stats.receive_topic(seen(2, 12))
    snapshot = stats.snapshot(2)
    assert (snapshot.total.arrived, snapshot.by_event_type["sword"].arrived) == (10, 10)


def test_arrived_leaves_out_what_is_missing() -> None:
    """Events that are seen before their generator reports them do not replace missing ones."""
    stats = LiveStats(0, settle_s=5)
    stats.receive(acked(0, 10), 1)
    stats.receive_topic(arrived(20, range(3, 13)))
    total = stats.snapshot(20).total
    assert (stats.missing, total.arrived, total.behind) == (3, 7, 3)
