"""The gauge: what generators told and what was seen, put together."""

import itertools
from collections.abc import Iterable

from headcount.monitor.live_stats import MOST_POINTS, Line, LiveStats
from headcount.monitor.progress import Ended, Progress
from headcount.monitor.seq_bitmap import packed, pages_of
from headcount.monitor.topic_counts import TopicCounts


def told(generator: int = 0, begun: int = 0, **outcomes: int) -> Progress:
    """A generator's word of swords."""
    ended = tuple(Ended(0, "sword", name, "", count) for name, count in outcomes.items())
    return Progress(generator, {"sword": begun}, ended)


def seen(
    at_s: float, arrived: int, *, complete_at_s: float | None = None, **more: int
) -> TopicCounts:
    """What was seen of swords."""
    whole = at_s if complete_at_s is None else complete_at_s
    return TopicCounts(
        at_s, whole, {"sword": arrived}, more.get("duplicated", 0), more.get("unread", 0)
    )


def test_the_accounts_of_generators_are_added_up() -> None:
    """What each has begun counts once, what has ended since adds to what had."""
    gauge = LiveStats(0)
    gauge.receive(told(0, 10, acked=6, failed=1), 1)
    gauge.receive(told(1, 5, acked=5), 1)
    gauge.receive(told(0, 12, acked=2, indeterminate=1), 2)
    gauge.see(seen(2, 11))
    line = gauge.read(2).by_event_type["sword"]
    assert line == Line(generated=17, acked=13, failed=1, indeterminate=1, arrived=11)
    assert (line.in_flight, line.behind) == (2, 2)
    assert gauge.read(2).total == line
    assert gauge.in_flight == 2


def test_what_messages_do_not_tell_is_not_known() -> None:
    """Where they do not tell their type, only the sum is known."""
    gauge = LiveStats(0)
    gauge.receive(told(0, 2, acked=2), 1)
    gauge.see(TopicCounts(1, 1, {"other": 2}, 0, 0))
    assert gauge.read(1).by_event_type["sword"].arrived is None
    assert gauge.read(1).by_event_type["sword"].behind is None
    assert (gauge.read(1).total.arrived, gauge.read(1).total.behind) == (2, 0)


def test_how_long_it_is_behind() -> None:
    """Since when so many were acknowledged as have been seen; not at all if all are."""
    gauge = LiveStats(0)
    for now_s in range(1, 11):
        gauge.receive(told(0, 10 * now_s, acked=10), now_s)
    gauge.see(seen(10, 70))
    assert (gauge.read(10).total.behind, gauge.read(10).behind_s) == (30, 3)
    gauge.see(seen(11, 100))
    assert (gauge.read(11).total.behind, gauge.read(11).behind_s) == (0, 0)


def acked(first: int, end: int, generator: int = 0) -> Progress:
    """A generator's word of swords that were acknowledged, by their numbers."""
    ended = (Ended(0, "sword", "acked", "", end - first),)
    return Progress(generator, {"sword": end}, ended, acked=pages_of(range(first, end)))


def arrived(at_s: float, seqs: Iterable[int], generator: int = 0) -> TopicCounts:
    """What was seen of swords, when all of the topic was read at that time."""
    numbers = list(seqs)
    seen = {generator: packed(pages_of(numbers))}
    return TopicCounts(at_s, at_s, {"sword": len(numbers)}, 0, 0, seen)


def test_missing_is_what_a_whole_look_did_not_find() -> None:
    """Only what was acknowledged well before, and only after a look at all of the topic."""
    gauge = LiveStats(0, settle_s=10)
    gauge.receive(acked(0, 10), 1)
    gauge.receive(acked(10, 20), 4)
    gauge.see(arrived(10.9, range(3, 10)))
    assert gauge.missing == 0
    gauge.see(arrived(11, ()))
    assert gauge.missing == 3
    gauge.see(arrived(14, range(10, 20)))
    assert gauge.missing == 3
    gauge.see(arrived(15, (0, 1, 2)))
    assert gauge.missing == 0


def test_arrivals_of_others_hide_no_loss() -> None:
    """One in 28 is lost at 65 a second: what was sent last stands for none of them."""
    gauge, dropped = LiveStats(0, settle_s=5), set(range(0, 1427, 28))
    for second in range(22):
        first, end = 65 * second, min(1427, 65 * (second + 1))
        gauge.receive(acked(first, end), second + 1)
        gauge.see(arrived(second + 1, set(range(first, end)) - dropped))
        due = [each for each in dropped if each < 65 * (second + 1 - 5)]
        assert gauge.missing == len(due)
    assert gauge.missing == 40


def test_what_was_not_acknowledged_stands_for_nothing() -> None:
    """Events of requests that timed out arrive, and others that were acknowledged do not."""
    gauge = LiveStats(0, settle_s=5)
    gauge.receive(acked(0, 5), 1)
    gauge.see(arrived(20, (*range(3), 7, 8, 9)))
    assert gauge.missing == 2


def test_generators_are_told_apart() -> None:
    """The same number of another is another event."""
    gauge = LiveStats(0, settle_s=5)
    gauge.receive(acked(0, 5, generator=0), 1)
    gauge.receive(acked(0, 5, generator=1), 1)
    gauge.see(arrived(20, range(5), generator=1))
    assert gauge.missing == 5


def test_a_watch_that_begins_anew_finds_what_it_had_found() -> None:
    """Nothing is missing for that, and nothing that was is forgotten."""
    gauge = LiveStats(0, settle_s=5)
    gauge.receive(acked(0, 5), 1)
    gauge.see(arrived(20, range(4)))
    gauge.see(TopicCounts(21, 20, {}, 0, 4))
    gauge.see(arrived(22, range(4)))
    assert gauge.missing == 1


def test_a_settle_time_of_nothing() -> None:
    """What was acknowledged before a whole look and is not seen in it is missing."""
    gauge = LiveStats(0, settle_s=0)
    gauge.receive(acked(0, 5), 1)
    gauge.see(arrived(1, range(4)))
    assert gauge.missing == 1


def test_what_was_not_acknowledged_never_makes_one_missing() -> None:
    """More may arrive than was acknowledged."""
    gauge = LiveStats(0)
    gauge.receive(told(0, 10, acked=5, indeterminate=5), 1)
    gauge.see(seen(20, 8))
    assert (gauge.missing, gauge.read(20).total.behind) == (0, 0)


def test_failures_are_counted_by_class_and_bounded() -> None:
    """The most frequent first; beyond so many causes they go together."""
    gauge = LiveStats(0)
    causes = tuple(Ended(0, "sword", "failed", str(number), 1) for number in range(60))
    gauge.receive(Progress(0, {}, (*causes, Ended(0, "sword", "failed", "503", 9))), 1)
    failures = gauge.read(1).failures
    assert failures[0] == ("sword", "failed", "other", 19)
    assert len(failures) == 51
    assert sum(count for *_, count in failures) == 69


def test_points_do_not_grow_without_end() -> None:
    """Of a long run every other one is kept, and the last is there."""
    gauge = LiveStats(100)
    for elapsed_s in range(1, 5 * MOST_POINTS):
        gauge.receive(told(0, elapsed_s, acked=1), 100 + elapsed_s)
        gauge.mark(100 + elapsed_s)
    points = gauge.read(100).points
    assert MOST_POINTS / 2 <= len(points) <= MOST_POINTS
    assert points[0].elapsed_s == 0
    assert points[-1].generated > 5 * MOST_POINTS - 10
    gaps = [after.elapsed_s - before.elapsed_s for before, after in itertools.pairwise(points)]
    assert max(gaps) <= 2 * min(gaps)
