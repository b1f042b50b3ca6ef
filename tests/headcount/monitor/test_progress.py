"""Progress: a generator's reports add up, and survive being sent to the master."""

import json
from dataclasses import replace

import pytest

from headcount.ledger.schema import Row
from headcount.monitor.progress import (
    SAMPLES_PER_REPORT,
    Durations,
    Ended,
    Progress,
    ProgressCounter,
)
from headcount.monitor.recent_latency import bucket_of

S, MS = 1_000_000_000, 1_000_000


def row(
    outcome: str,
    *,
    sent_ns: int = 5 * S,
    took_ms: int | None = 10,
    status: int | None = None,
    error: str | None = None,
    event_type: str = "sword",
) -> Row:
    """An attempt that was due 1 ms before it was sent."""
    answered = None if took_ms is None else sent_ns + took_ms * MS
    return Row(
        *(0, event_type, "Player", "", 0, sent_ns - MS, sent_ns, answered, status, outcome, error)
    )


def progress_of(generator: int, rows: list[Row], *, with_durations: bool) -> Progress:
    """Return the report of a counter of these rows, with nothing in flight."""
    return counter_of(generator, rows, with_durations=with_durations).report({})


def counter_of(generator: int, rows: list[Row], *, with_durations: bool) -> ProgressCounter:
    """Return a counter that has counted these rows."""
    counter = ProgressCounter(generator, with_durations=with_durations)
    for seq, ended in enumerate(rows):
        times = ended.intended_at_ns, ended.sent_at_ns, ended.answered_at_ns
        counter.add(ended.event_type, ended.outcome, ended.http_status, ended.error, times, seq=seq)
    return counter


def test_attempts_are_grouped() -> None:
    """By the second of sending, type, outcome and cause, with all attempts begun."""
    rows = [
        row("acked", status=200),
        row("acked", status=201),
        row("acked", sent_ns=6 * S),
        row("failed", status=503),
        row("indeterminate", took_ms=None, error="TimeoutError: no answer in 30 s"),
        row("acked", event_type="guild"),
    ]
    progress = counter_of(2, rows, with_durations=False).report({"sword": 3})
    assert progress.generator == 2
    assert progress.begun == {"sword": 8, "guild": 1}
    assert set(progress.ended) == {
        Ended(5, "sword", "acked", "", 2),
        Ended(6, "sword", "acked", "", 1),
        Ended(5, "sword", "failed", "503", 1),
        Ended(5, "sword", "indeterminate", "TimeoutError", 1),
        Ended(5, "guild", "acked", "", 1),
    }
    assert progress.durations == ()
    assert progress.acked == {0: 0b100111}


def test_durations_of_answered_attempts() -> None:
    """From sending and from the intended time, if requested."""
    rows = [row("acked", took_ms=10), row("failed", took_ms=20), row("failed", took_ms=None)]
    progress = progress_of(0, rows, with_durations=True)
    assert progress.durations == (Durations(5, "sword", (10_000, 20_000), (11_000, 21_000)),)


def test_serialization() -> None:
    """Packed, sent as plain values, and unpacked, a report is the same."""
    progress = progress_of(1, [row("acked"), row("failed", status=503)], with_durations=True)
    assert Progress.unpacked(json.loads(json.dumps(progress.packed()))) == progress
    timed = replace(progress, clock_s=1_700_000_000.25)
    assert Progress.unpacked(json.loads(json.dumps(timed.packed()))) == timed


def test_nothing_is_reported_twice() -> None:
    """Ended attempts are those since the last report; begun ones are those of the whole run."""
    counter = counter_of(0, [row("acked"), row("acked", event_type="guild")], with_durations=True)
    assert counter.report({"sword": 1}).begun == {"sword": 2, "guild": 1}
    times = 5 * S, 5 * S, None
    counter.add("sword", "indeterminate", None, "TimeoutError", times, seq=2)
    progress = counter.report({})
    assert progress.begun == {"sword": 2, "guild": 1}
    assert progress.ended == (Ended(5, "sword", "indeterminate", "TimeoutError", 1),)
    assert progress.durations == ()


def test_the_first_number_of_each_second() -> None:
    """Of the attempts that ended since the last report, and of those in flight, also the slow."""
    counter = ProgressCounter(0, with_durations=False)
    first_ns = 5 * S + 300 * MS
    counter.add("sword", "acked", 200, None, (0, first_ns, first_ns + MS), seq=0)
    counter.add("sword", "acked", 200, None, (0, first_ns + S + 9 * MS, 7 * S), seq=4)
    progress = counter.report({"sword": 2}, 7.0, {3: first_ns + S, 5: first_ns + 2 * S})
    assert (progress.first_sent_ns, progress.starts) == (first_ns, {0: 0, 1: 3, 2: 5})
    assert progress.last_sent_ns == first_ns + 2 * S
    counter.add("sword", "acked", 200, None, (0, first_ns + S, 9 * S), seq=3)
    counter.add("sword", "acked", 200, None, (0, first_ns + 2 * S, 9 * S), seq=5)
    counter.add("sword", "acked", 200, None, (0, first_ns + 2 * S + MS, 9 * S), seq=6)
    assert counter.report({}).starts == {1: 3, 2: 5}
    assert counter.report({}).starts == {}


def test_response_times_are_counted() -> None:
    """In the bucket of each; an attempt that never ended has none."""
    rows = [row("acked", took_ms=10), row("failed", took_ms=10), row("failed", took_ms=None)]
    progress = progress_of(0, rows, with_durations=False)
    assert progress.latency == {bucket_of(10_000): 2}


def test_few_of_many_response_times_are_counted() -> None:
    """Counting each would cost time; the shares of slow and fast ones stay."""
    counter = ProgressCounter(0, with_durations=False)
    for _ in range(2):
        for seq in range(5 * SAMPLES_PER_REPORT):
            took_ns = (500 if seq % 5 == 0 else 10) * MS
            counter.add("sword", "acked", 200, None, (0, S, S + took_ns), seq=seq)
        progress = counter.report({})
    assert SAMPLES_PER_REPORT / 2 < sum(progress.latency.values()) <= SAMPLES_PER_REPORT
    slow = progress.latency[bucket_of(500_000)] / sum(progress.latency.values())
    assert slow == pytest.approx(0.2, abs=0.01)
    counter.add("sword", "acked", 200, None, (0, S, S), seq=8)
    assert sum(counter.report({}).latency.values()) == 1
