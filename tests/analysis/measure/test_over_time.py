"""Over time: each event counts in its own slice, each duration in the slice of its request."""

import math
import random

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from headcount_analysis.measure import histogram
from headcount_analysis.measure.bin_width import BinWidth
from headcount_analysis.measure.histogram import Measure
from headcount_analysis.measure.latency_over_time import Percentiles
from headcount_analysis.measure.over_time import (
    MOST_SLICES,
    OverTime,
    OverTimeCounts,
    counted,
    due_place,
    over_time,
    span,
    width_for,
)

from headcount.thresholds.percentiles import FEW_QUANTILES, percentile_name

MS = 1_000_000
START_MS = 1_700_000_000_000
TIMES = ("intended_at_ns", "sent_at_ns", "answered_at_ns", "entered_at_ns", "ended_at_ns")
FATES = pa.schema(
    [
        ("event_type", pa.string()),
        ("outcome", pa.string()),
        *((name, pa.int64()) for name in TIMES),
        ("fate", pa.string()),
        ("corrupted", pa.bool_()),
    ]
)
ACKED, FAILED = "acked", "failed"
CHANGED = 777
"""An event that arrives at this time has other content."""

Attempt = tuple[str, int, int, int | None, int | None]
"""outcome; due, sent, answered and arrived, in ms after the start"""


def course(*attempts: Attempt) -> OverTime:
    """Build the slices of a run whose target rate is twice the elapsed time in s."""
    rows = [
        (
            *("a", outcome, (START_MS + due) * MS, (START_MS + sent) * MS),
            None if answered is None else (START_MS + answered) * MS,
            None if arrived is None else (START_MS + arrived) * MS,
            None,
            *("lost" if outcome == ACKED and arrived is None else "delivered", arrived == CHANGED),
        )
        for outcome, due, sent, answered, arrived in attempts
    ]
    nothing_known = ("(unknown)", "indeterminate", *[None] * 5, "absent", False)
    phantom = ("x", None, None, None, None, (START_MS + 10**9) * MS, None, "phantom", None)
    records = [dict(zip(FATES.names, row, strict=True)) for row in [*rows, nothing_known, phantom]]
    fates = pa.Table.from_pylist(records, FATES)
    limits = {name: pc.min_max(fates[name][: len(rows)]).as_py() for name in TIMES}
    known = {name: limit for name, limit in limits.items() if limit["min"] is not None}
    seen = known.pop("entered_at_ns", None)
    binning = span(
        {name: limit["min"] for name, limit in known.items()},
        {name: limit["max"] for name, limit in known.items()},
        None if seen is None else (seen["min"] // MS, seen["max"] // MS),
    )
    parts = [] if binning is None else [fates[: len(fates) // 2], fates[len(fates) // 2 :]]
    return over_time(
        binning,
        [part_of(part, binning.bin_width) for part in parts if binning is not None],
        lambda at_ns: max(0.0, 2 * (at_ns / MS - START_MS) / 1000),
    )


def part_of(fates: pa.Table, bin_width: BinWidth) -> OverTimeCounts:
    """Count a part of the attempts."""
    return counted(fates, bin_width, histogram.counted(fates, ["a"], due_place(fates, bin_width)))


def test_events_count_in_the_slice_in_which_they_happened() -> None:
    """A request due in one slice can be sent, answered and published in others."""
    over = course(
        (ACKED, 0, 1000, 2500, 3500),
        (FAILED, 500, 500, 900, None),
        (ACKED, 20_000, 20_000, None, None),
    )
    counts = [
        (
            time_slice.due,
            time_slice.started,
            time_slice.answered,
            time_slice.acked,
            time_slice.arrived,
        )
        for time_slice in over.slices
    ]
    assert over.width_s == 1
    assert len(counts) == 21
    assert counts[:4] == [(2, 1, 1, 0, 0), (0, 1, 0, 0, 0), (0, 0, 1, 1, 0), (0, 0, 0, 0, 1)]
    assert counts[20] == (1, 1, 0, 0, 0)
    assert [time_slice.elapsed_s for time_slice in over.slices[:3]] == [0, 1, 2]
    assert [time_slice.target for time_slice in over.slices[:3]] == [1, 3, 5]


def test_what_became_of_requests_counts_when_they_were_sent() -> None:
    """A loss shows when it began, not when the answer came; nothing else is added to it."""
    over = course(
        (ACKED, 0, 1100, 2500, None),
        (FAILED, 500, 1500, 3900, None),
        (ACKED, 0, 100, 200, CHANGED),
    )
    counts = [
        (time_slice.lost, time_slice.failed, time_slice.corrupted) for time_slice in over.slices
    ]
    assert counts == [(0, 0, 1), (1, 1, 0), (0, 0, 0), (0, 0, 0)]
    assert (
        sum(
            time_slice.indeterminate + time_slice.duplicated + time_slice.ghost
            for time_slice in over.slices
        )
        == 0
    )
    assert over.in_flight == (0, 2, 1, 0)


def test_percentiles_are_of_their_slice() -> None:
    """They are by nearest rank, at most 0.1 % too high, in the slice where requests were due."""
    chance = random.Random(3)
    took = {place: [chance.randrange(1, 5000) for _ in range(999)] for place in (0, 30)}
    attempts = [
        (ACKED, place * 1000, place * 1000, place * 1000 + ms, None)
        for place, values in took.items()
        for ms in values
    ]
    over = course(*attempts)
    for place, values in took.items():
        (percentiles,) = {
            around.percentiles
            for measure in (Measure.HTTP, Measure.FROM_INTENDED)
            if (around := over.latency_at(measure, place)) is not None
        }
        for quantile, ms in ((0.5, percentiles.p50_ms), (0.99, percentiles.p99_ms)):
            exact = sorted(values)[math.ceil(quantile * len(values)) - 1]
            assert exact <= ms <= exact * 1.001
        assert percentiles.max_ms == max(values)
    assert over.latency_at(Measure.HTTP, 1) is None
    assert over.latency_at(Measure.HTTP, -1) is None
    assert over.latency_at(Measure.END_TO_END, 0) is None


def test_the_columns_are_named_after_their_percentiles() -> None:
    """A quantile that is added to the list needs a field, in the same order."""
    names = [f"{percentile_name(quantile)}_ms" for quantile in FEW_QUANTILES]
    assert [*names, "max_ms"] == list(Percentiles.__slots__)


def test_a_clock_that_is_ahead_or_behind_shows() -> None:
    """Arrivals before the first request have their own slices, and negative durations."""
    over = course((ACKED, 0, 0, 5, -1500), (ACKED, 30_000, 30_000, 30_005, 28_500))
    assert [time_slice.elapsed_s for time_slice in over.slices[:3]] == [-2, -1, 0]
    assert (over.slices[0].arrived, over.slices[2].due) == (1, 1)
    assert [time_slice.target for time_slice in over.slices[:3]] == [0, 0, 1]
    around = over.latency_at(Measure.END_TO_END, 0)
    assert around is not None
    assert around.percentiles == Percentiles(*[-1500.0] * 4)


def test_a_wrong_clock_does_not_stretch_the_axis() -> None:
    """Events that seem to have happened in another year are left out."""
    year_ms = 365 * 86_400_000
    over = course((ACKED, 0, 0, 5, year_ms), (ACKED, 1000, 1000, 1005, -year_ms))
    assert len(over.slices) * over.width_s <= 200
    assert sum(time_slice.arrived for time_slice in over.slices) == 0
    assert sum(time_slice.answered for time_slice in over.slices) == 2


def test_nothing_answered() -> None:
    """A run without any answer has slices, but no percentiles."""
    over = course((FAILED, 0, 0, None, None), (FAILED, 900, 901, None, None))
    assert sum(time_slice.started for time_slice in over.slices) == 2
    assert not over.latency


@pytest.mark.parametrize("factor", [0.001, 1000, 1_000_000, -1])
def test_timestamps_in_another_unit_do_not_stretch_the_axis(factor: float) -> None:
    """Seconds and microseconds are not taken for milliseconds of another time."""
    first, last = {"intended_at_ns": START_MS * MS}, {"intended_at_ns": (START_MS + 9000) * MS}
    seen_ms = (int(START_MS * factor), int((START_MS + 9000) * factor))
    assert span(first, last, seen_ms) == span(first, last, None)


def test_nothing_attempted() -> None:
    """Without attempts there are no slices."""
    assert course() == OverTime()


@pytest.mark.parametrize("length_s", [0, 9, 11, 599, 601, 1800, 5000, 86_400, 10**7])
def test_there_are_never_too_many_slices(length_s: float) -> None:
    """And longer runs never have too few to see anything."""
    slices = length_s / width_for(length_s)
    assert slices <= MOST_SLICES
    assert slices >= MOST_SLICES / 4 or length_s < MOST_SLICES
