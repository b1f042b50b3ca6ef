"""Progress: what a generator tells adds up, and survives the way to the master."""

import json

from headcount.ledger.schema import Row
from headcount.monitor.progress import Durations, Ended, Progress, ProgressCounter

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


def told_of(generator: int, rows: list[Row], *, with_durations: bool) -> Progress:
    """What a tally tells of rows, with nothing in flight."""
    return tally_of(generator, rows, with_durations=with_durations).report({})


def tally_of(generator: int, rows: list[Row], *, with_durations: bool) -> ProgressCounter:
    """Make a tally of rows."""
    tally = ProgressCounter(generator, with_durations=with_durations)
    for seq, each in enumerate(rows):
        times = each.intended_at_ns, each.sent_at_ns, each.answered_at_ns
        tally.add(each.event_type, each.outcome, each.http_status, each.error, times, seq=seq)
    return tally


def test_what_ended_alike_is_counted_together() -> None:
    """By the second of sending, type, outcome and cause, with all that has begun."""
    rows = [
        row("acked", status=200),
        row("acked", status=201),
        row("acked", sent_ns=6 * S),
        row("failed", status=503),
        row("indeterminate", took_ms=None, error="TimeoutError: no answer in 30 s"),
        row("acked", event_type="guild"),
    ]
    told = tally_of(2, rows, with_durations=False).report({"sword": 3})
    assert told.generator == 2
    assert told.begun == {"sword": 8, "guild": 1}
    assert set(told.ended) == {
        Ended(5, "sword", "acked", "", 2),
        Ended(6, "sword", "acked", "", 1),
        Ended(5, "sword", "failed", "503", 1),
        Ended(5, "sword", "indeterminate", "TimeoutError", 1),
        Ended(5, "guild", "acked", "", 1),
    }
    assert told.durations == ()
    assert told.acked == {0: 0b100111}


def test_durations_are_of_those_that_were_answered() -> None:
    """From sending and from the intended time, where that is asked for."""
    rows = [row("acked", took_ms=10), row("failed", took_ms=20), row("failed", took_ms=None)]
    told = told_of(0, rows, with_durations=True)
    assert told.durations == (Durations(5, "sword", (10_000, 20_000), (11_000, 21_000)),)


def test_it_survives_the_way() -> None:
    """Packed, sent as plain values, and unpacked it is the same."""
    told = told_of(1, [row("acked"), row("failed", status=503)], with_durations=True)
    assert Progress.unpacked(json.loads(json.dumps(told.packed()))) == told


def test_what_was_told_is_not_told_again() -> None:
    """What ended is new each time, what has begun is of the whole run."""
    tally = tally_of(0, [row("acked"), row("acked", event_type="guild")], with_durations=True)
    assert tally.report({"sword": 1}).begun == {"sword": 2, "guild": 1}
    times = 5 * S, 5 * S, None
    tally.add("sword", "indeterminate", None, "TimeoutError", times, seq=2)
    told = tally.report({})
    assert told.begun == {"sword": 2, "guild": 1}
    assert told.ended == (Ended(5, "sword", "indeterminate", "TimeoutError", 1),)
    assert told.durations == ()
