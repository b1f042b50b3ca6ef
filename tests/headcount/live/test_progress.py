"""Progress: what a generator tells adds up, and survives the way to the master."""

import json

from headcount.ledger import Row
from headcount.live.progress import Durations, Ended, Progress, progress

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
    told = progress(2, rows, {"sword": 3}, {"guild": 10}, with_durations=False)
    assert told.generator == 2
    assert told.begun == {"sword": 8, "guild": 11}
    assert set(told.ended) == {
        Ended(5, "sword", "acked", "", 2),
        Ended(6, "sword", "acked", "", 1),
        Ended(5, "sword", "failed", "503", 1),
        Ended(5, "sword", "indeterminate", "TimeoutError", 1),
        Ended(5, "guild", "acked", "", 1),
    }
    assert told.durations == ()


def test_durations_are_of_those_that_were_answered() -> None:
    """From sending and from the intended time, where that is asked for."""
    rows = [row("acked", took_ms=10), row("failed", took_ms=20), row("failed", took_ms=None)]
    told = progress(0, rows, {}, {}, with_durations=True)
    assert told.durations == (Durations(5, "sword", (10_000, 20_000), (11_000, 21_000)),)


def test_it_survives_the_way() -> None:
    """Packed, sent as plain values, and unpacked it is the same."""
    told = progress(1, [row("acked"), row("failed", status=503)], {"a": 1}, {}, with_durations=True)
    assert Progress.unpacked(json.loads(json.dumps(told.packed()))) == told
