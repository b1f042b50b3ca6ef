"""The schedule: each arrival belongs to one generator, even if generators join or leave."""

import itertools
import statistics
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headcount.errors import UsageError
from headcount.open_model.rate import parse_rate
from headcount.open_model.schedule import BLOCK, Division, Schedule, Spacing, Span, parse_spacing

CONSTANT = Schedule(parse_rate("0/s..400/s:4s,400/s:8s"), Spacing.CONSTANT, "7")
POISSON = Schedule(CONSTANT.plan, Spacing.POISSON, "7")
BOTH = pytest.mark.parametrize("schedule", [CONSTANT, POISSON], ids=str)


def due(schedule: Schedule) -> list[float]:
    """The due times of a lone generator."""
    return list(schedule.share(Span(0, schedule.plan.total, (0,)), 0))


def test_constant_spacing_is_even() -> None:
    """The number of arrivals is the plan's, and each is due when the plan reaches it."""
    times = due(CONSTANT)
    assert len(times) == 4000
    assert times[800:803] == pytest.approx([4, 4.0025, 4.005])


def test_poisson_spacing_is_random_at_the_same_rate() -> None:
    """At a constant rate, gaps are exponential: their standard deviation equals their mean."""
    times = [due_s for due_s in due(POISSON) if due_s >= 4]
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert len(due(POISSON)) == pytest.approx(4000, abs=4 * 4000**0.5)
    assert statistics.mean(gaps) == pytest.approx(1 / 400, rel=0.1)
    assert statistics.stdev(gaps) == pytest.approx(1 / 400, rel=0.15)
    ramped = sum(due_s < 2 for due_s in due(POISSON))
    assert ramped == pytest.approx(200, abs=4 * 200**0.5)


def test_a_seed_repeats_the_schedule() -> None:
    """The same seed gives the same arrivals, another seed different ones."""
    again = Schedule(POISSON.plan, Spacing.POISSON, "7")
    other = Schedule(POISSON.plan, Spacing.POISSON, "8")
    assert due(again) == due(POISSON) != due(other)


@BOTH
@given(
    cuts=st.lists(st.floats(0, 4000), max_size=6),
    crews=st.lists(st.sets(st.integers(0, 5), min_size=1, max_size=4), min_size=7, max_size=7),
)
def test_every_arrival_is_made_once(
    schedule: Schedule, cuts: list[float], crews: list[set[int]]
) -> None:
    """However the schedule is divided, all generators together make exactly what one would."""
    edges = [0.0, *sorted(cuts), schedule.plan.total]
    spans = [
        Span(first, end, tuple(sorted(crew)))
        for first, end, crew in zip(edges, edges[1:], crews, strict=False)
    ]
    made = [arrival for span in spans for one in range(6) for arrival in schedule.share(span, one)]
    assert sorted(made) == due(schedule)


@BOTH
def test_a_share_is_independent_of_earlier_spans(schedule: Schedule) -> None:
    """A generator that joins late has the same arrivals as one present from the start."""
    first = 2.5 * BLOCK
    late = list(schedule.share(Span(first, schedule.plan.total, (0, 1)), 1))
    whole = [due_s for due_s in due(schedule) if due_s >= schedule.plan.due_at(first)]
    rest = list(schedule.share(Span(first, schedule.plan.total, (0, 1)), 0))
    assert sorted(late + rest) == whole


@BOTH
def test_generators_share_evenly(schedule: Schedule) -> None:
    """Each of three makes a third."""
    shares = schedule.shares(Span(0, schedule.plan.total, (1, 4, 5)))
    assert sum(shares.values()) == len(due(schedule))
    assert max(shares.values()) - min(shares.values()) < 0.05 * len(due(schedule))


@BOTH
def test_division_continues_when_a_generator_leaves(schedule: Schedule) -> None:
    """Spans are contiguous, and each is divided among the generators present."""
    division, spans = Division(schedule), []
    for step in range(60):
        alive = (0, 1) if step < 20 else (1,)
        span = division.next_span(step * 0.25, alive)
        spans += [] if span is None else [span]
    assert [span.first for span in spans] == [0.0, *(span.end for span in spans[:-1])]
    assert spans[-1].end == schedule.plan.total
    assert {span.generators for span in spans if span.end > schedule.plan.expected(5)} == {(1,)}
    assert division.next_span(99, (0, 1)) is None


@BOTH
def test_due_arrivals_by_generator(schedule: Schedule) -> None:
    """A generator's due count is that of its shares so far, however often it is queried."""
    division, spans = Division(schedule), []
    for step in range(1, 50):
        span = division.next_span(step * 0.25 + 1, (0, 1) if step < 20 else (1,))
        spans += [] if span is None else [span]
        division.due(step * 0.25)
    for moment_s in (12.3, 99.0):
        expected = Counter(
            one
            for span in spans
            for one in (0, 1)
            for due_s in schedule.share(span, one)
            if due_s < moment_s
        )
        assert division.due(moment_s) == dict(expected)


def test_a_span_without_generators() -> None:
    """It has no owner."""
    span = Division(CONSTANT).next_span(5, ())
    assert span is not None
    assert list(CONSTANT.share(span, 0)) == []
    assert CONSTANT.shares(span) == {}


def test_invalid_spacing() -> None:
    """The error names the valid spacings."""
    assert parse_spacing(" poisson ") is Spacing.POISSON
    with pytest.raises(UsageError, match="--spacing must be constant or poisson, got 'even'"):
        parse_spacing("even")
