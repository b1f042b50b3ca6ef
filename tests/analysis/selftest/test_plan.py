"""The plan: faults are at boundaries, in the requested numbers, and never conflict."""

from collections import Counter

import pytest
from headcount_analysis.selftest.faults import SWAPS, Fault
from headcount_analysis.selftest.plan import BLOCK, GENERATORS, PARTITIONS, make_plan
from hypothesis import given
from hypothesis import strategies as st


def test_boundaries_come_first() -> None:
    """The ends of each partition and both sides of a block boundary get faults."""
    plan = make_plan("run", 40_000, [Fault.DROPPED], 100, seed=1)

    last = plan.attempted(1) - 1
    assert {(0, seq) for seq in range(PARTITIONS)} <= plan.faults.keys()
    assert {(1, last - seq) for seq in range(PARTITIONS)} <= plan.faults.keys()
    assert {(0, BLOCK - 1), (0, BLOCK), (1, 2 * BLOCK)} <= plan.faults.keys()


def test_kinds_come_in_equal_numbers() -> None:
    """Each kind is planned as often as any other, give or take one."""
    plan = make_plan("run", 20_000, list(Fault), 400, seed=1)

    counts = Counter(plan.faults.values())
    assert sum(counts.values()) == 400
    assert max(counts.values()) - min(counts[fault] for fault in Fault) <= 1


@given(st.integers(1, 300), st.integers(1, 400), st.integers())
def test_faults_do_not_conflict(events: int, count: int, seed: int) -> None:
    """Every fault is on an attempt of the run; the partner of a swap exists, without a fault."""
    plan = make_plan("run", events, list(Fault), count, seed)

    for (generator, seq), fault in plan.faults.items():
        assert 0 <= generator < GENERATORS
        assert 0 <= seq < plan.attempted(generator)
        if fault in SWAPS:
            assert seq + 1 < plan.attempted(generator)
            assert (generator, seq + 1) not in plan.faults
            assert plan.partition((generator, seq)) == plan.partition((generator, seq + 1))


@pytest.mark.parametrize("seed", [1, 2])
def test_a_seed_gives_the_same_plan(seed: int) -> None:
    """A failure can be reproduced."""
    assert make_plan("run", 5000, list(Fault), 90, seed) == make_plan(
        "run", 5000, list(Fault), 90, seed
    )
