"""The rate plan: it parses as written, its total is exact, and `due_at` inverts `expected`."""

import math
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from headcount.errors import UsageError
from headcount.open_model.rate import RatePlan, RateSegment, parse_rate

_RATES = st.fractions(0, 5000, max_denominator=60)
_TIMES = st.fractions("1/10", 3600, max_denominator=10)
_SEGMENTS = st.builds(RateSegment, _RATES, _RATES, _TIMES)
_PLANS = st.lists(_SEGMENTS, min_size=1, max_size=5).map(lambda segments: RatePlan(tuple(segments)))


@pytest.mark.parametrize(
    ("text", "duration_s", "total", "peak"),
    [
        ("500/s", None, math.inf, 500),
        ("90/m:30s", 30, 45, 1.5),
        ("7200/h : 1m30s", 90, 180, 2),
        ("0/s..2000/s:60s,2000/s:5m", 360, 660_000, 2000),
        ("10/s:2.5s, 0/s:1h, 10/s", None, math.inf, 10),
        ("100/s..0/s:3s,0/s", None, 150, 100),
        ("0.1/s:10s", 10, 1, 0.1),
    ],
)
def test_a_plan_is_as_written(
    text: str, duration_s: float | None, total: float, peak: float
) -> None:
    """Its duration, total and peak are those of the text."""
    plan = parse_rate(text)
    assert (plan.duration_s, plan.total, plan.peak) == (duration_s, total, peak)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must be RATE, RATE:TIME or FROM..TO:TIME"),
        ("500", "with /s, /m or /h; got '500'"),
        ("-5/s", "got '-5/s'"),
        ("5/d", "got '5/d'"),
        ("1e9/s", "got '1e9/s'"),
        ("\u0663/s", "got '\u0663/s'"),
        ("5/s:", "times such as 30s, 2m or 1h30m, got '5/s:'"),
        ("5/s:10", "got '5/s:10'"),
        ("5/s:0s", "times above 0, got '5/s:0s'"),
        ("5/s..9/s", "the ramp '5/s..9/s' needs a time"),
        ("5/s,9/s:1m", "'5/s' needs a time, such as 5/s:1m"),
        ("0/s:1m", "above 0 at some time, got '0/s:1m'"),
        ("5/s:1m,", "got ''"),
    ],
)
def test_invalid_rate(text: str, message: str) -> None:
    """The error names the invalid part and the rule."""
    with pytest.raises(UsageError) as error:
        parse_rate(text)
    assert message in str(error.value)
    assert str(error.value).startswith("--rate")


@given(_PLANS)
def test_a_plan_adds_up(plan: RatePlan) -> None:
    """The arrivals due at the end are the sum of its trapezoids."""
    total = sum(
        (segment.from_rate + segment.to_rate) / 2 * Fraction(segment.duration_s or 0)
        for segment in plan.segments
    )
    assert plan.duration_s is not None
    assert plan.expected(plan.duration_s) == plan.total == float(total)
    assert plan.expected(plan.duration_s + 1) == plan.total
    assert plan.rate_at(plan.duration_s) == 0


@given(_PLANS, st.floats(0, 1), st.floats(0, 1))
def test_due_arrivals_integrate_the_rate(plan: RatePlan, begin: float, part: float) -> None:
    """Within a segment, the arrivals due are the elapsed time times the mean rate."""
    number = int(begin * (len(plan.segments) - 1))
    begin_s = float(sum(Fraction(segment.duration_s or 0) for segment in plan.segments[:number]))
    length_s = float(plan.segments[number].duration_s or 0) * part * 0.999
    mean = (plan.rate_at(begin_s) + plan.rate_at(begin_s + length_s)) / 2
    due = plan.expected(begin_s + length_s) - plan.expected(begin_s)
    assert due == pytest.approx(mean * length_s, rel=1e-6, abs=1e-6)


@given(_PLANS, st.floats(0, 1, exclude_max=True))
def test_due_at_inverts_expected(plan: RatePlan, share: float) -> None:
    """When an arrival is due, the number of arrivals expected equals its position."""
    position = share * plan.total
    assume(position < plan.total)
    due_s = plan.due_at(position)
    assert plan.expected(due_s) == pytest.approx(position, rel=1e-9, abs=1e-4)


def test_the_smallest_position_is_due_immediately() -> None:
    """On a ramp from 0, a tiny position must not divide by zero."""
    ramp = RatePlan((RateSegment(Fraction(0), Fraction(1, 2), Fraction(21, 10)),))
    assert ramp.due_at(5e-324) == 0


@given(_PLANS, st.lists(st.floats(0, 1, exclude_max=True), min_size=2, max_size=9))
def test_later_positions_are_due_later(plan: RatePlan, shares: list[float]) -> None:
    """Due times have the order of positions, and lie within the plan."""
    positions = [share * plan.total for share in sorted(shares)]
    assume(positions[-1] < plan.total)
    times = [plan.due_at(position) for position in positions]
    assert times == sorted(times)
    assert 0 <= times[0] <= times[-1] <= (plan.duration_s or 0)


@given(_PLANS, st.fractions("1/10", 5000, max_denominator=10))
def test_a_cut_plan_is_unchanged_before_the_cut(plan: RatePlan, seconds: Fraction) -> None:
    """It has the same rates before the cut, and nothing after it."""
    cut = plan.until(float(seconds))
    assert plan.duration_s is not None
    assert cut.duration_s == pytest.approx(min(plan.duration_s, float(seconds)))
    assert cut.total == pytest.approx(plan.expected(float(seconds)))
    for share in (0.0, 0.3, 0.9):
        moment_s = share * float(seconds)
        assert cut.rate_at(moment_s) == pytest.approx(plan.rate_at(moment_s), abs=1e-6)


def test_an_arrival_after_a_pause() -> None:
    """It is due when the pause ends, not when it begins."""
    plan = parse_rate("10/s:1s,0/s:5s,10/s:1s")
    assert [plan.due_at(number) for number in (0, 9, 10, 19)] == [0, 0.9, 6, 6.9]
    with pytest.raises(ValueError, match="it has 20"):
        plan.due_at(20)


def test_a_ramp_from_zero() -> None:
    """The first arrival is due at its start; due times follow the square root of the position."""
    plan = parse_rate("0/s..200/s:1s")
    assert [plan.due_at(number) for number in (0, 1, 25)] == pytest.approx([0, 0.1, 0.5])
