"""Progress: a generator's reports add up, and survive being sent to the master."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from headcount.ledger.schema import Row
from headcount.ledger.segment_buffer import table_of
from headcount.monitor.progress import Durations, Ended, Progress
from headcount.monitor.progress_counter import ProgressCounter, detail_of
from headcount.monitor.progress_counter import counter_of as new_counter
from headcount.monitor.seq_bitmap import PAGE
from tests.headcount.duration_counts import counts_of

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


def progress_of(generator: int, rows: Sequence[Row], *, with_durations: bool = False) -> Progress:
    """Return the report of a counter of these rows, with nothing in flight."""
    return counter_of(generator, rows, with_durations=with_durations).report({})


def counter_of(
    generator: int,
    rows: Sequence[Row],
    *,
    with_durations: bool = False,
    with_histograms: bool = False,
) -> ProgressCounter:
    """Return a counter that has been given these rows, numbered, in two batches."""
    counter = ProgressCounter(
        generator, with_durations=with_durations, with_histograms=with_histograms
    )
    numbered = [ended._replace(seq=seq) for seq, ended in enumerate(rows)]
    for batch in (numbered[:2], numbered[2:]):
        if batch:
            counter.add(table_of(batch))
    return counter


def sent(seq: int, sent_ns: int) -> pa.Table:
    """Return the row of one attempt."""
    return table_of([row("acked", status=200, sent_ns=sent_ns)._replace(seq=seq)])


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
    progress = counter_of(2, rows).report({"sword": 3})
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
    counter.add(table_of([row("indeterminate", took_ms=None, error="TimeoutError")]))
    progress = counter.report({})
    assert progress.begun == {"sword": 2, "guild": 1}
    assert progress.ended == (Ended(5, "sword", "indeterminate", "TimeoutError", 1),)
    assert progress.durations == ()


def test_the_first_number_of_each_second() -> None:
    """Of the attempts that ended since the last report, and of those in flight, also the slow."""
    counter = ProgressCounter(0)
    first_ns = 5 * S + 300 * MS
    counter.add(sent(4, first_ns + S + 9 * MS))
    counter.add(sent(0, first_ns))
    progress = counter.report({"sword": 2}, 7.0, {3: first_ns + S, 5: first_ns + 2 * S})
    assert (progress.first_sent_ns, progress.starts) == (first_ns, {0: 0, 1: 3, 2: 5})
    assert progress.last_sent_ns == first_ns + 2 * S
    for seq, sent_ns in ((3, S), (6, 2 * S + MS), (5, 2 * S)):
        counter.add(sent(seq, first_ns + sent_ns))
    progress = counter.report({})
    assert (progress.starts, progress.last_sent_ns) == ({1: 3, 2: 5}, first_ns + 2 * S + MS)
    assert counter.report({}).starts == {}


def test_the_first_number_of_a_single_second() -> None:
    """It is the least of those sent in it, in whatever order they end."""
    counter = ProgressCounter(0)
    for seq in (5, 3, 4):
        counter.add(sent(seq, 5 * S + seq * MS))
    assert counter.report({}).starts == {0: 3}


def test_a_report_before_the_first_request() -> None:
    """It has nothing, and the next report begins with the first request."""
    counter = ProgressCounter(0, with_durations=True, with_histograms=True)
    empty = counter.report({})
    assert (empty.first_sent_ns, empty.last_sent_ns, empty.starts) == (None, None, {})
    assert (empty.ended, empty.durations, empty.http, empty.latency) == ((), (), {}, {})
    counter.add(sent(0, 5 * S))
    assert counter.report({}).starts == {0: 0}


def test_response_times_are_counted() -> None:
    """In the bucket of each; an attempt that never ended has none."""
    rows = [row("acked", took_ms=10), row("failed", took_ms=10), row("failed", took_ms=None)]
    assert list(progress_of(0, rows).latency.values()) == [2]


def test_an_unanswered_attempt_took_as_long_as_the_wait() -> None:
    """Its duration is a lower bound."""
    waited = row("indeterminate", took_ms=None, error="TimeoutError")
    rows = [waited._replace(ended_at_ns=waited.sent_at_ns + 30 * MS)]
    (durations,) = progress_of(0, rows, with_durations=True).durations
    assert durations.http_us == (30_000,)


def test_histograms_are_counted_on_request() -> None:
    """By event type; the wait before sending counts only from the intended time."""
    rows = [row("acked", took_ms=1), row("failed", took_ms=2000), row("acked", event_type="guild")]
    progress = counter_of(0, rows, with_histograms=True).report({})
    assert progress.http == {"sword": counts_of([1_000, 2_000_000]), "guild": counts_of([10_000])}
    assert progress.from_intended == {
        "sword": counts_of([2_000, 2_001_000]),
        "guild": counts_of([11_000]),
    }
    assert progress_of(0, rows).http == {}


@pytest.mark.parametrize("needs_durations", [False, True])
@pytest.mark.parametrize("needs_histograms", [False, True])
def test_a_report_has_what_is_needed(*, needs_durations: bool, needs_histograms: bool) -> None:
    """And no more, because all of it costs time."""
    detail = detail_of(needs_durations=needs_durations, needs_histograms=needs_histograms)
    counter = new_counter(0, detail)
    counter.add(sent(0, 5 * 10**9))
    progress = counter.report({})
    assert bool(progress.durations) == needs_durations
    assert bool(progress.http) == needs_histograms
    assert len(progress.ended) == 1


@given(
    kinds=some.lists(
        some.tuples(
            some.sampled_from(["sword", "guild"]),
            some.sampled_from([("acked", 200), ("acked", 409), ("failed", 503)]),
            some.integers(0, 3 * PAGE),
            some.integers(0, 5_000),
        ),
        unique_by=lambda kind: kind[2],
    )
)
@settings(deadline=None, max_examples=30)
def test_a_batch_counts_as_its_rows_do(kinds: list[tuple[str, tuple[str, int], int, int]]) -> None:
    """Any attempts in one batch add up to the same as each of them alone."""
    rows = [
        row(outcome, status=status, event_type=name, sent_ns=S + took * MS, took_ms=took)._replace(
            seq=seq
        )
        for name, (outcome, status), seq, took in kinds
    ]
    whole, *singles = (report_of(batch) for batch in (rows, *([one] for one in rows)))
    assert Counter({replace(ended, count=1): ended.count for ended in whole.ended}) == Counter(
        ended for progress in singles for ended in progress.ended
    )
    assert Counter(whole.latency) == sum((Counter(one.latency) for one in singles), Counter())
    for name in {name for name, *_ in kinds}:
        parts = [one.http[name] for one in singles if name in one.http]
        assert whole.http[name] == sum(parts, counts_of([]))
    assert whole.acked == pages_one_by_one(seq for _, (word, _), seq, _ in kinds if word == "acked")


def report_of(rows: list[Row]) -> Progress:
    """Return the report of rows that are numbered."""
    counter = ProgressCounter(0, with_histograms=True)
    if rows:
        counter.add(table_of(rows))
    return counter.report({})


def pages_one_by_one(seqs: Iterable[int]) -> dict[int, int]:
    """Set one bit after another."""
    pages: dict[int, int] = {}
    for seq in seqs:
        pages[seq // PAGE] = pages.get(seq // PAGE, 0) | 1 << seq % PAGE
    return pages
