"""Lateness: which events entered the topic too long after their intended time."""

import pyarrow as pa
from headcount_analysis.reconciliation.lateness import are_late, entered_ns

NS_PER_MS = 1_000_000
NOON_MS = 1_764_590_400_000
LIMIT_MS = 50


def late(waited_ms: int | None, *, intended_rest_ns: int = 0) -> bool:
    """Return whether an event that waited this long is late; None if it has no time."""
    entered_at_ns = None if waited_ms is None else (NOON_MS + waited_ms) * NS_PER_MS
    intended_at_ns = pa.chunked_array([[NOON_MS * NS_PER_MS + intended_rest_ns]], pa.int64())
    marks = are_late(pa.array([entered_at_ns], pa.int64()), intended_at_ns, LIMIT_MS)
    return bool(marks.to_pylist()[0])


def test_only_more_than_the_limit_is_late() -> None:
    """The limit itself is allowed, and an event without a time is not late."""
    assert [late(waited_ms) for waited_ms in (0, LIMIT_MS, LIMIT_MS + 1, None)] == [
        *(False, False, True, False),
    ]


def test_rounding_makes_no_event_early() -> None:
    """Kafka's timestamps are whole ms, so the rest of the intended time's ms does not count."""
    assert late(LIMIT_MS + 1, intended_rest_ns=NS_PER_MS - 1)
    assert not late(LIMIT_MS, intended_rest_ns=NS_PER_MS - 1)


def test_the_clock_of_a_generator_is_corrected() -> None:
    """A topic's clock that is ahead makes no event late; other generators are not corrected."""
    sent_at_ns = [NOON_MS * NS_PER_MS] * 2
    attempts = pa.table({"generator": pa.array([0, 1], pa.int32()), "sent_at_ns": sent_at_ns})
    timestamp_ms = pa.array([NOON_MS + 100] * 2, pa.int64())
    entered = entered_ns(timestamp_ms, attempts, {1: 100})
    assert entered.to_pylist() == [(NOON_MS + 100) * NS_PER_MS, NOON_MS * NS_PER_MS]
    assert entered_ns(timestamp_ms, attempts, {}).to_pylist() == [(NOON_MS + 100) * NS_PER_MS] * 2
