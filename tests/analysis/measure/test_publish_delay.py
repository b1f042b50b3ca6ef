"""The longest publish delay: measured within each generator, because their clocks differ."""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from headcount_analysis.measure.publish_delay import longest_delay_s

BASE_MS = 1_700_000_000_000


def fates(folder: Path, *delays_ms: Iterable[int]) -> Path:
    """Write the fates of delivered events: the delays of each generator's, by its own clock."""
    rows = [
        {
            "generator": generator,
            "fate": "delivered",
            "outcome": "acked",
            "answered_at_ns": (BASE_MS + 10 * seq) * 1_000_000,
            "broker_at_ms": BASE_MS + 10 * seq + delay_ms,
        }
        for generator, delays in enumerate(delays_ms)
        for seq, delay_ms in enumerate(delays)
    ]
    path = folder / "fates.parquet"
    path.mkdir()
    pq.write_table(pa.Table.from_pylist(rows), path / "0.parquet")
    return path


@pytest.mark.parametrize("apart_ms", [-30_000, 30_000])
def test_clocks_that_differ_are_no_delay(tmp_path: Path, apart_ms: int) -> None:
    """Every event came 2 ms before its answer, and a generator's clock is 30 s off."""
    path = fates(tmp_path, [-2] * 40, [apart_ms - 2] * 39)
    assert longest_delay_s(path) == 0


def test_the_slowest_generator_counts(tmp_path: Path) -> None:
    """One of its events came 12 s later than the others."""
    path = fates(tmp_path, [-2] * 40, [-30_002] * 38 + [-18_002])
    assert longest_delay_s(path) == 12


def test_few_events_prove_no_clock_offset(tmp_path: Path) -> None:
    """Two events of a generator came 30 s late, or its clock is behind: that is a delay."""
    path = fates(tmp_path, [-2] * 40, [29_998] * 2)
    assert longest_delay_s(path) == 30


def test_events_without_a_time(tmp_path: Path) -> None:
    """They have no delay, nor do times in another unit."""
    assert longest_delay_s(fates(tmp_path, [10**12])) is None
