"""Abort rules: a threshold stops the test only if it is certainly broken."""

import pytest

from headcount.monitor.abort_rules import RATED_AFTER_S, AbortRules
from headcount.monitor.live_stats import LiveStats
from headcount.monitor.progress import Durations, Ended, Progress
from headcount.monitor.seq_bitmap import packed, pages_of
from headcount.monitor.topic_counts import TopicCounts
from headcount.run.default_times import SETTLE_S
from headcount.thresholds.grammar import parse

FIRST_S = 1_700_000_000


def ended(outcome: str = "acked", count: int = 1, second: int = 0, kind: str = "sword") -> Progress:
    """A report of attempts sent in one second of the run."""
    acked = pages_of(range(count if outcome == "acked" else 0))
    ends = (Ended(FIRST_S + second, kind, outcome, "", count),)
    return Progress(0, {kind: count}, ends, acked=acked)


def took(*http_ms: float, second: int = 0, kind: str = "sword") -> Progress:
    """A report of durations; those from the intended time are 100 ms longer."""
    http_us = tuple(round(duration_ms * 1000) for duration_ms in http_ms)
    late_us = tuple(duration_us + 100_000 for duration_us in http_us)
    durations = Durations(FIRST_S + second, kind, http_us, late_us)
    return Progress(0, {}, ended(count=len(http_ms), second=second, kind=kind).ended, (durations,))


def broken(threshold: str, *reports: Progress, counts: TopicCounts | None = None) -> str | None:
    """Return the measured value of a broken threshold, or None."""
    stats, rules = LiveStats(0), AbortRules([parse(threshold), parse("lost == 0")])
    for report in reports:
        stats.receive(report, 0)
        rules.receive(report)
    if counts is not None:
        stats.receive_topic(counts)
    violation = rules.broken(stats)
    return None if violation is None else violation.threshold.show(violation.value)


@pytest.mark.parametrize(
    ("threshold", "kept", "over"),
    [
        ("failed <= 3 abort", [ended("failed", 3)], [ended("failed", 4)]),
        ("failed == 0 abort", [ended("acked", 9)], [ended("failed", 1)]),
        ("attempted == 5 abort", [ended(count=4)], [ended(count=6)]),
        ("indeterminate < 2 abort", [ended("indeterminate", 1)], [ended("indeterminate", 2)]),
        (
            "failed{event_type=guild} < 1 abort",
            [ended("failed", 9)],
            [ended("failed", 1, kind="guild")],
        ),
        (
            "failed == 0 after 5s for 5s abort",
            [ended(), ended("failed", 1, 4), ended("failed", 1, 10)],
            [ended(), ended("failed", 1, 5)],
        ),
        (
            "fail_ratio < 10% abort",
            [ended("failed", 1), ended("acked", 8)],  # too few attempts
            [ended("failed", 2), ended("indeterminate", 2), ended("acked", 20)],
        ),
        (
            "fail_ratio <= 10% abort",
            [ended("failed", 2), ended("acked", 18)],
            [ended("failed", 3), ended("acked", 18)],
        ),
        ("fail_ratio <= 0 abort", [ended("acked", 9)], [ended("failed", 1), ended("acked", 999)]),
        ("fail_ratio < 100% abort", [ended("failed", 19)], [ended("failed", 20)]),
        (  # one failure of 20 is 5%, and alone does not stop the test
            "fail_ratio < 5% abort",
            [ended("failed", 1), ended("acked", 19)],
            [ended("failed", 2), ended("acked", 19)],
        ),
        (
            "fail_ratio <= 5% abort",
            [ended("failed", 1), ended("acked", 19)],
            [ended("failed", 2), ended("acked", 18)],
        ),
        (  # exactly 35% are not less, nor more
            "fail_ratio < 35% abort",
            [ended("failed", 34), ended("acked", 66)],
            [ended("failed", 35), ended("acked", 65)],
        ),
        (
            "fail_ratio <= 35% abort",
            [ended("failed", 35), ended("acked", 65)],
            [ended("failed", 36), ended("acked", 64)],
        ),
        (
            "http.p90 < 50ms abort",
            [took(*[10.0] * 90, *[80.0] * 9)],
            [took(*[10.0] * 80, *[80.0] * 20)],
        ),
        ("http.p90 < 50ms abort", [took(*[80.0] * 9)], [took(*[80.0] * 20)]),  # 9 are too few
        ("http.max < 50ms abort", [took(49.9)], [took(52.0)]),
        ("http.max <= 50ms abort", [took(50.2)], [took(52.0)]),  # within the sketch's accuracy
        ("http.p50 < 50ms abort", [took(*[900.0] * 19)], [took(*[900.0] * 20)]),
        ("http.p95 < 50ms abort", [took(*[9.0] * 19, 900.0)], [took(*[9.0] * 18, 900.0, 900.0)]),
        ("http.mean < 50ms abort", [took(900.0)], [took(*[51.0] * 20)]),
        (
            "http.mean < 50ms abort",
            [took(*[9.0] * 29, 9000.0)],
            [took(*[9.0] * 28, 9000.0, 9000.0)],
        ),
        ("http.mean <= 50ms abort", [took(*[50.0] * 20)], [took(*[50.0] * 19, 51.0, 51.0)]),
        ("http.min < 50ms abort", [took(900.0)], [took(*[900.0] * 20)]),
        ("http.min < 50ms abort", [took(*[900.0] * 99, 9.0)], [took(*[900.0] * 99)]),
        ("from_intended.max < 200ms abort", [took(90.0)], [took(120.0)]),
        (
            "http{event_type=guild}.max < 50ms abort",
            [took(99.0)],
            [took(99.0, kind="guild")],
        ),
    ],
)
def test_kept_and_broken(threshold: str, kept: list[Progress], over: list[Progress]) -> None:
    """Every kind of threshold, with reports that keep it and reports that break it."""
    assert broken(threshold, *kept) is None
    assert broken(threshold, *over) is not None


def test_rate_thresholds() -> None:
    """They are checked after RATED_AFTER_S, and requests in flight count."""
    seconds = [ended(count=10, second=second) for second in range(RATED_AFTER_S + 1)]
    assert broken("rps > 20 abort", *seconds[:-1]) is None
    assert broken("rps > 20 abort", *seconds) == "12.0/s"
    assert broken("rps > 11 abort", *seconds) is None
    begun = Progress(1, {"sword": 150})
    assert broken("rps > 20 abort", begun, *seconds) is None
    assert broken("rps < 10 abort", *seconds) == "10.0/s"


def of_two(second: int, skew_s: int, *, clock: bool) -> list[tuple[Progress, float | None]]:
    """Reports of two generators, 50 requests each, whose clocks differ, and their arrival."""
    reports = []
    for generator, ahead_s in ((0, 0), (1, skew_s)):
        ends = (Ended(FIRST_S + second + ahead_s, "sword", "acked", "", 50),)
        clock_s = FIRST_S + second + 1 + ahead_s + 0.2 if clock else None
        progress = Progress(generator, {"sword": 50 * (second + 1)}, ends, clock_s=clock_s)
        reports.append((progress, FIRST_S + second + 1.3 if clock else None))
    return reports


@pytest.mark.parametrize("clock", [True, False])
@pytest.mark.parametrize("skew_s", [30, -30, 0])
@pytest.mark.parametrize(
    ("threshold", "is_broken"),
    [
        ("rps > 90 abort", False),
        ("rps < 120 abort", False),
        ("rps > 130 abort", True),
        ("rps > 90 after 4s abort", False),
    ],
)
def test_clocks_that_differ_stop_no_test(
    threshold: str, skew_s: int, *, clock: bool, is_broken: bool
) -> None:
    """Two generators make 100 requests per second, whatever their clocks say."""
    rules, stats = AbortRules([parse(threshold)]), LiveStats(0)
    for second in range(20):
        for progress, arrived_s in of_two(second, skew_s, clock=clock):
            stats.receive(progress, 0)
            rules.receive(progress, arrived_s)
        if not is_broken:
            assert rules.broken(stats) is None, second
    assert (rules.broken(stats) is not None) is is_broken


@pytest.mark.parametrize("unknown_seconds", [range(20), range(1)], ids=["always", "at first"])
def test_one_unknown_clock_is_enough_to_decide_nothing(unknown_seconds: range) -> None:
    """The times of the generator with that clock may lie outside the window by mistake."""
    rules, stats = AbortRules([parse("rps > 90 after 4s for 10s abort")]), LiveStats(0)
    for second in range(20):
        known, _ = of_two(second, 30, clock=True)
        _, other = of_two(second, 30, clock=second not in unknown_seconds)
        for progress, arrived_s in (other, known):
            stats.receive(progress, 0)
            rules.receive(progress, arrived_s)
        assert rules.broken(stats) is None, second


def test_a_part_of_the_run_is_measured_by_one_clock() -> None:
    """The clock of the second generator is 30 s ahead, and it fails in the first second only."""
    rules, stats = AbortRules([parse("failed == 0 after 10s abort")]), LiveStats(0)
    for generator, ahead_s in ((0, 0), (1, 30)):
        ends = (Ended(FIRST_S + ahead_s, "sword", "failed", "", 5),)
        progress = Progress(generator, {"sword": 5}, ends, clock_s=FIRST_S + 1.0 + ahead_s)
        rules.receive(progress, FIRST_S + 1.1)
    assert rules.broken(stats) is None


def test_topic_thresholds() -> None:
    """`lost` counts missing events, `duplicated` repeated ones."""
    late = 2 * SETTLE_S

    def seen(arrived: int, duplicated: int = 0) -> TopicCounts:
        pages = {0: packed(pages_of(range(arrived)))}
        return TopicCounts(late, late, {"sword": arrived}, duplicated, 0, pages)

    assert broken("lost == 0 abort", ended(count=9), counts=seen(9)) is None
    assert broken("lost == 0 abort", ended(count=9), counts=seen(7)) == "2"
    assert broken("lost <= 2 abort", ended(count=9), counts=seen(7)) is None
    assert broken("duplicated == 0 abort", ended(), counts=seen(1)) is None
    assert broken("duplicated == 0 abort", ended(), counts=seen(1, 1)) == "1"


def test_the_thresholds_that_need_the_topic_are_named() -> None:
    """They cannot stop the test while the topic is not watched."""
    rules = AbortRules(map(parse, ("lost == 0 abort", "failed == 0 abort", "duplicated == 0")))
    assert rules.needing_topic == ("lost == 0 abort",)


def test_only_abort_thresholds_are_checked() -> None:
    """Others are checked after the run; durations are reported only if a threshold needs them."""
    assert AbortRules([parse("failed == 0")]).broken(LiveStats(0)) is None
    assert not AbortRules([parse("http.p99 < 1ms"), parse("lost == 0 abort")]).needs_durations
    assert AbortRules([parse("http.p99 < 1ms abort")]).needs_durations
