"""The table of metrics, which thresholds, limits and aborts evaluate alike."""

import pytest

from headcount.thresholds.evaluation import can_evaluate, evaluate
from headcount.thresholds.metrics import METRICS, LiveSource, Metric, MetricKind, Needs, Worse

COUNTS = {"attempted": 10, "acked": 6, "failed": 3, "indeterminate": 1, "lost": 2, "phantom": 4}


@pytest.mark.parametrize(
    ("name", "figure"),
    [("lost", 2), ("phantom", 4), ("ghost", None), ("rps", 2.5), ("fail_ratio", 0.4)],
)
def test_a_figure_follows_from_counts(name: str, figure: float | None) -> None:
    """A count is one of them, a rate is per second, and a ratio is of all requests."""
    assert evaluate(Metric(name), COUNTS, 4.0) == figure


def test_a_rate_needs_time_and_a_ratio_requests() -> None:
    """Otherwise there is no figure; a duration never follows from counts."""
    assert evaluate(Metric("rps"), COUNTS, 0.0) is None
    assert evaluate(Metric("fail_ratio"), {}, 1.0) is None
    with pytest.raises(ValueError, match="duration"):
        evaluate(Metric("http", aggregate="p99"), COUNTS, 1.0)


@pytest.mark.parametrize("count", range(1, 100))
def test_a_rate_is_exact(count: int) -> None:
    """In 0.07 s, 7 requests are 100/s, although 7 / 0.07 is less than 100 in binary."""
    assert evaluate(Metric("rps"), {"attempted": count}, count / 100) == 100.0


def test_only_messages_can_be_counted_without_requests() -> None:
    """Messages belong to no request; every other metric needs one."""
    able = {name for name in METRICS if can_evaluate(Metric(name), {})}
    assert able == {"phantom", "foreign", "malformed", "garbled"}
    assert all(can_evaluate(Metric(name), {"attempted": 1}) for name in METRICS)


def test_messages_that_cannot_be_read_have_no_event_type() -> None:
    """A filter on them would never count one, so every metric says whether it can have one."""
    untyped = {name for name, row in METRICS.items() if not row.has_event_types}
    assert untyped == {"malformed", "garbled"}


def test_what_is_known_while_the_test_runs() -> None:
    """Generators report outcomes and durations; the topic, lost and duplicated events."""
    live = {name: row.live for name, row in METRICS.items() if row.live is not LiveSource.NONE}
    topic = {name for name, source in live.items() if source is LiveSource.TOPIC}
    assert topic == {"lost", "duplicated"}
    assert live.keys() - topic == {
        *("attempted", "acked", "failed", "indeterminate", "rps", "fail_ratio"),
        *("http", "from_intended"),
    }


def test_facts_are_the_counts_of_defects() -> None:
    """One more is worse; those without a default limit count only if the run sets one."""
    facts = {name for name, row in METRICS.items() if row.is_fact}
    opt_in = {name for name, row in METRICS.items() if row.opt_in}
    assert opt_in == {"reordered", "late", "misplaced", "malformed"}
    assert facts - opt_in == {"lost", "duplicated", "ghost", "phantom", "corrupted", "garbled"}
    assert METRICS["rps"].worse is Worse.FALLING
    assert METRICS["end_to_end"].needs is Needs.TIMES
    assert MetricKind.DURATION.units["s"] == 1000
