"""The breakdown: each group has its own durations, and a long run is thinned evenly."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis import breakdown as module
from analysis.breakdown import Breakdown, breakdown
from analysis.latency import Measure

MS = 1_000_000
START_NS = 1_700_000_000_000 * MS
SCHEMA = pa.schema(
    [
        ("generator", pa.int32()),
        ("partition", pa.int32()),
        ("http_status", pa.int32()),
        ("error", pa.string()),
        ("intended_at_ns", pa.int64()),
        ("sent_at_ns", pa.int64()),
        ("answered_at_ns", pa.int64()),
        ("broker_at_ms", pa.int64()),
    ]
)
Broken = Callable[..., Breakdown]


@pytest.fixture
def broken_down(tmp_path: Path) -> Broken:
    """Writes rows as the fates are stored, and breaks them down."""

    def write(*rows: dict[str, Any]) -> Breakdown:
        table = pa.Table.from_pylist(list(rows), SCHEMA)
        (tmp_path / "fates").mkdir()
        half = len(rows) // 2
        pq.write_table(table[:half], tmp_path / "fates" / "a.parquet")
        pq.write_table(table[half:], tmp_path / "fates" / "b.parquet")
        return breakdown(tmp_path / "fates")

    return write


def attempt(took_ms: int, **more: Any) -> dict[str, Any]:
    """A request that was sent 1 ms late, and whose event came 2 ms after it was due."""
    row = {
        "generator": 0,
        "partition": 0,
        "http_status": 200,
        "intended_at_ns": START_NS,
        "sent_at_ns": START_NS + MS,
        "answered_at_ns": START_NS + (1 + took_ms) * MS,
        "broker_at_ms": START_NS // MS + 2,
    }
    return {**row, **more}


def test_each_group_has_its_own_durations(broken_down: Broken) -> None:
    """By partition, generator and answer; what was not measured is left out."""
    found = broken_down(
        *(attempt(10 * number, partition=1) for number in range(1, 101)),
        *(attempt(5, generator=3, http_status=503, broker_at_ms=None) for _ in range(3)),
        attempt(0, http_status=None, error="TimeoutError: 3 s", answered_at_ns=None),
        {"partition": 9},  # a phantom
    )
    told = {
        (each.by, each.key, each.measure): (each.count, each.percentiles, each.max_ms)
        for each in found.groups
    }
    hundred = (100, (500.0, 950.0, 990.0), 1000.0)
    assert told["partition", "1", Measure.HTTP] == hundred
    assert told["answer", "200", Measure.HTTP] == hundred
    assert told["partition", "1", Measure.FROM_INTENDED][2] == 1001.0
    assert told["generator", "3", Measure.HTTP] == (3, (5.0, 5.0, 5.0), 5.0)
    assert told["answer", "503", Measure.FROM_INTENDED] == (3, (6.0, 6.0, 6.0), 6.0)
    assert told["answer", "TimeoutError", Measure.END_TO_END] == (1, (2.0, 2.0, 2.0), 2.0)
    assert ("answer", "TimeoutError", Measure.HTTP) not in told
    assert ("answer", "503", Measure.END_TO_END) not in told
    assert not any(key == "9" for _, key, _ in told)
    assert found.every == 1


def test_a_long_run_is_thinned(broken_down: Broken, monkeypatch: pytest.MonkeyPatch) -> None:
    """Evenly over all of its files, so that each part of it is looked at."""
    monkeypatch.setattr(module, "MOST", 100)
    found = broken_down(*(attempt(number) for number in range(1010)))
    (http,) = (
        each for each in found.groups if (each.by, each.measure) == ("generator", Measure.HTTP)
    )
    # Every eleventh, counted on from one file to the next.
    assert (found.every, http.count, http.max_ms) == (11, 92, 1001.0)
    assert http.percentiles[0] == pytest.approx(500, abs=20)


def test_the_largest_groups_are_shown(broken_down: Broken, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order of their names; what is rare gives way."""
    monkeypatch.setattr(module, "MOST_GROUPS", 2)
    sizes = {7: 1, 5: 3, 2: 2}
    found = broken_down(
        *(attempt(1, generator=name) for name, size in sizes.items() for _ in range(size))
    )
    assert [each.key for each in found.groups if each.by == "generator"] == ["2"] * 3 + ["5"] * 3


def test_nothing_is_nothing(broken_down: Broken) -> None:
    """Without fates, or without any that were sent, there are no groups."""
    assert breakdown(None) == Breakdown()
    assert broken_down() == Breakdown()
