"""Timestamps: which are a time in milliseconds, and what the others look like."""

import pyarrow as pa
import pytest
from headcount_analysis.messages.timestamps import (
    YEAR_MS,
    Unit,
    added_up,
    describe,
    in_ns,
    unusable,
)
from headcount_analysis.reconciliation.reconcile import FATES

MS = 1_000_000
SENT_MS = 1_700_000_000_123
LARGEST = (1 << 63) - 1


@pytest.mark.parametrize(
    ("timestamp_ms", "unit"),
    [
        (SENT_MS, None),
        (SENT_MS - YEAR_MS, None),
        (SENT_MS + YEAR_MS, None),
        (SENT_MS // 1000, Unit.SECONDS),
        (SENT_MS * 1000, Unit.MICROSECONDS),
        (SENT_MS * MS, Unit.NANOSECONDS),
        (-1, Unit.NONE),
        (0, Unit.NONE),
        (-LARGEST - 1, Unit.NONE),
        (SENT_MS + YEAR_MS + 1, Unit.ABSURD),
        (7, Unit.ABSURD),
        (LARGEST, Unit.ABSURD),
    ],
)
def test_each_timestamp_is_recognised(timestamp_ms: int, unit: Unit | None) -> None:
    """A time is within a year of its request; no number is too large."""
    sent = SENT_MS * MS
    (at_ns,) = in_ns(pa.array([timestamp_ms]), pa.array([sent])).to_pylist()
    assert at_ns == (timestamp_ms * MS if unit is None else None)
    row = {"sent_at_ns": sent, "broker_at_ms": timestamp_ms, "entered_at_ns": at_ns}
    assert unusable(pa.Table.from_pylist([row], FATES)) == ({} if unit is None else {unit: 1})


def test_a_message_without_a_request_has_a_time_if_ns_can_hold_it() -> None:
    """A phantom's timestamp may be anything."""
    nothing = pa.nulls(3, pa.int64())
    times_ns = in_ns(pa.array([SENT_MS, LARGEST, None], pa.int64()), nothing)
    assert times_ns.to_pylist() == [SENT_MS * MS, None, None]
    phantom = {"broker_at_ms": LARGEST}
    assert unusable(pa.Table.from_pylist([phantom], FATES)) == {}


def test_units_are_described() -> None:
    """The most frequent first."""
    units = added_up([{Unit.NONE: 1}, {Unit.MICROSECONDS: 2}, {Unit.MICROSECONDS: 3}])
    assert describe(units) == (
        "5 have timestamps that look like microseconds and 1 has no timestamp"
    )
    assert describe({}) == ""
