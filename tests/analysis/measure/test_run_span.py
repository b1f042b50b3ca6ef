"""Run span: the length of a run whose generators have different clocks."""

import math

import pyarrow as pa
import pytest
from headcount_analysis.measure.clocks import ClockOffset
from headcount_analysis.measure.run_span import RunSpan, run_span

S, MS = 1_000_000_000, 1_000_000
SPANS = {0: (0, 20 * S), 1: (30 * S, 50 * S)}
"""Two generators that ran at the same time, if the second one's clock is 30 s ahead."""


def clock(number: int, offset_s: float, *, events: int = 99, width_ms: int = 10) -> ClockOffset:
    """An offset that is known to half of `width_ms`."""
    middle, half = round(offset_s * S), width_ms * MS // 2
    return ClockOffset(number, middle - half, middle + half, events=events)


def span_of(*clocks: ClockOffset) -> RunSpan:
    """Combine the spans of the two generators."""
    combined = run_span(SPANS, clocks)
    assert combined is not None
    return combined


def test_no_request_has_no_time() -> None:
    """There is nothing to span."""
    assert run_span({}, []) is None


def test_a_generator_alone_needs_no_clock() -> None:
    """Its own clock suffices."""
    assert run_span({3: (5 * S, 9 * S)}, []) == RunSpan(5 * S, 9 * S, 4 * S)


def test_clocks_that_differ_are_corrected() -> None:
    """Both offsets are known, so the times are converted to the first generator's clock."""
    combined = span_of(clock(0, 0), clock(1, -30))
    assert (combined.seconds, combined.error_ns) == (20.0, 10 * MS)
    rows = pa.table({"generator": [0, 0, 1, 1, 1], "sent_at_ns": [S, 9 * S, S, 31 * S, 39 * S]})
    is_in = combined.is_sent_between(0, 5 * S)
    assert rows.filter(is_in)["sent_at_ns"].to_pylist() == [S, 31 * S]


def test_clocks_that_may_agree_are_left_alone() -> None:
    """A generator that begins 30 s later is no error; the clocks may differ by a few ms."""
    combined = span_of(clock(0, 0), clock(1, 0.004))
    assert (combined.seconds, combined.longest_ns) == (50.0, 20 * S)
    assert not combined.shifts_ns
    assert 0 < combined.error_ns <= 20 * MS


@pytest.mark.parametrize(
    "clocks",
    [
        [clock(0, 0)],
        [],
        [clock(0, 0), clock(1, -30, events=3)],
        [clock(0, 0), ClockOffset(1, 5 * S, -30 * S, events=99, published_later=90)],
        [clock(0, 0), ClockOffset(1, 5 * S, -30 * S, events=99, has_moved=True)],
    ],
)
def test_clocks_that_are_unknown(clocks: list[ClockOffset]) -> None:
    """Only the span of each generator alone is certain."""
    combined = span_of(*clocks)
    assert (combined.error_ns, combined.longest_ns) == (math.inf, 20 * S)
    assert "clock" in combined.doubt


def test_a_service_that_answers_before_it_publishes() -> None:
    """Clocks agree if the earliest events of both generators came equally late."""
    answers_first = [
        ClockOffset(number, 900 * MS, most_ms * MS, events=99, published_later=90)
        for number, most_ms in ((0, 9), (1, 209))
    ]
    combined = span_of(*answers_first)
    assert (combined.seconds, combined.error_ns) == (50.0, 200 * MS)
