"""The breakdown: each group has its own durations, and a long run is sampled evenly."""

from typing import Any

import pyarrow as pa
import pytest
from headcount_analysis.blocks.seq_block import BinWidths
from headcount_analysis.measure import breakdown as module
from headcount_analysis.measure.breakdown import Breakdown, breakdown, sample, sampled_every
from headcount_analysis.measure.histogram import Measure
from headcount_analysis.reconciliation.reconcile import FATES

MS = 1_000_000
START_NS = 1_700_000_000_000 * MS


def broken_down(*rows: dict[str, Any], blocks: int = 2, every: int = 1) -> Breakdown:
    """Number rows, sample them block by block, and break them down."""
    numbered = [{"seq": seq, **row} for seq, row in enumerate(rows)]
    fates = pa.Table.from_pylist(numbered, FATES)
    size = -(-len(rows) // blocks) or 1
    samples = [sample(fates.slice(first, size), every) for first in range(0, len(rows), size)]
    return breakdown(samples, every)


def attempt(took_ms: int, **more: Any) -> dict[str, Any]:
    """Return a request that was sent 1 ms late and whose event arrived 2 ms after it was due."""
    row = {
        "generator": 0,
        "partition": 0,
        "http_status": 200,
        "intended_at_ns": START_NS,
        "sent_at_ns": START_NS + MS,
        "answered_at_ns": START_NS + (1 + took_ms) * MS,
        "entered_at_ns": START_NS + 2 * MS,
    }
    return {**row, **more}


def test_each_group_has_its_own_durations() -> None:
    """Groups are by partition, generator and response; measures without values are left out."""
    result = broken_down(
        *(attempt(10 * number, partition=1) for number in range(1, 101)),
        *(attempt(5, generator=3, http_status=503, entered_at_ns=None) for _ in range(3)),
        attempt(
            0,
            http_status=None,
            error="TimeoutError: 3 s",
            answered_at_ns=None,
            ended_at_ns=START_NS + 3001 * MS,
        ),
        {"partition": 9, "seq": None},  # a phantom
    )
    groups = {
        (group.by, group.key, group.measure): (group.count, group.percentiles, group.max_ms)
        for group in result.groups
    }
    hundred = (100, (500.0, 950.0, 990.0), 1000.0)
    assert groups["partition", "1", Measure.HTTP] == hundred
    assert groups["answer", "200", Measure.HTTP] == hundred
    assert groups["partition", "1", Measure.FROM_INTENDED][2] == 1001.0
    assert groups["generator", "3", Measure.HTTP] == (3, (5.0, 5.0, 5.0), 5.0)
    assert groups["answer", "503", Measure.FROM_INTENDED] == (3, (6.0, 6.0, 6.0), 6.0)
    assert groups["answer", "TimeoutError", Measure.END_TO_END] == (1, (2.0, 2.0, 2.0), 2.0)
    assert groups["answer", "TimeoutError", Measure.HTTP] == (1, (3000.0,) * 3, 3000.0)
    assert ("answer", "503", Measure.END_TO_END) not in groups
    assert not any(key == "9" for _, key, _ in groups)
    assert result.every == 1


def test_a_long_run_is_sampled() -> None:
    """The sample is even, whatever pattern recurs, and does not depend on the blocks."""
    rows = [attempt(number, partition=number % 4) for number in range(8000)]
    result = broken_down(*rows, every=16)
    groups = {(group.by, group.key, group.measure): group for group in result.groups}
    whole = groups["generator", "0", Measure.HTTP]
    assert result.every == 16
    assert whole.count == pytest.approx(500, abs=10)
    assert whole.percentiles[0] == pytest.approx(4000, abs=100)
    for partition in range(4):
        part = groups["partition", str(partition), Measure.HTTP]
        assert part.count == pytest.approx(125, abs=15)
        assert part.percentiles[0] == pytest.approx(4000, abs=200)
    assert broken_down(*rows, blocks=7, every=16) == result


def test_a_sample_serves_a_sparser_one() -> None:
    """Blocks that were sampled when the run was shorter need not be sampled again."""
    fates = pa.Table.from_pylist([{"seq": seq, **attempt(seq)} for seq in range(4000)], FATES)
    dense = [sample(fates.slice(0, 2000), 2), sample(fates.slice(2000), 8)]
    assert breakdown(dense, 8) == breakdown([sample(fates, 8)], 8)


def test_a_sample_does_not_serve_a_denser_one() -> None:
    """Blocks that were sampled too sparsely are sampled again."""
    dense, sparse = BinWidths(None, None, 2), BinWidths(None, None, 8)
    assert (dense.serve(sparse), sparse.serve(dense)) == (True, False)


@pytest.mark.parametrize(
    ("requests", "every"), [(0, 1), (100, 1), (101, 2), (200, 2), (201, 4), (401, 8)]
)
def test_the_sample_never_exceeds_the_maximum(
    requests: int, every: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A short run is covered in full, a longer one is sampled."""
    monkeypatch.setattr(module, "MOST", 100)
    assert sampled_every(requests) == every


def test_the_largest_groups_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the largest groups are kept, sorted by name."""
    monkeypatch.setattr(module, "MOST_GROUPS", 2)
    sizes = {7: 1, 5: 3, 2: 2}
    result = broken_down(
        *(attempt(1, generator=name) for name, size in sizes.items() for _ in range(size))
    )
    assert [group.key for group in result.groups if group.by == "generator"] == ["2"] * 3 + [
        "5"
    ] * 3


def test_absurd_times_are_accepted() -> None:
    """Clients can set any timestamp, and a clock can be wrong by centuries."""
    absurd = attempt(5, entered_at_ns=9_100_000_000_000_000_001, intended_at_ns=3, sent_at_ns=1)
    result = {group.measure: group.max_ms for group in broken_down(absurd).groups}
    assert result[Measure.END_TO_END] == pytest.approx(9.1e12)
    assert result[Measure.HTTP] == pytest.approx(START_NS / MS, rel=1e-3)


def test_nothing_is_nothing() -> None:
    """Without attempts that were sent, there are no groups."""
    assert breakdown([], 1) == Breakdown()
    assert broken_down({"partition": 9, "seq": None}) == Breakdown()
