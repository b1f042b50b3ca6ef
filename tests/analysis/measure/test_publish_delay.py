"""The longest publish delay: measured within each generator, because their clocks differ."""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from headcount_analysis.measure.publish_delay import least_delay_s, longest_delay_s

from headcount.run.manifest import EarlierEnd

BASE_MS = 1_700_000_000_000


def fates(folder: Path, *delays_ms: Iterable[int]) -> Path:
    """Write the fates of delivered events; each generator has its own list of delays."""
    rows = [
        {
            "generator": generator,
            "fate": "delivered",
            "outcome": "acked",
            "answered_at_ns": (BASE_MS + 10 * seq) * 1_000_000,
            "broker_at_ms": BASE_MS + 10 * seq + delay_ms,
            "partition": generator,
            "offset": seq,
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


def test_a_delay_that_all_events_have(tmp_path: Path) -> None:
    """Timestamps alone cannot show it, as clocks may differ; the topic's earlier ends do.

    Event 3 was acknowledged 20 ms before the last response, and was beyond the end that was
    recorded 12 s after that.
    """
    path = fates(tmp_path, [12_000] * 6)
    earlier = [EarlierEnd(0.5, {0: 2}), EarlierEnd(12, {0: 3}), EarlierEnd(13, {0: 6})]
    assert longest_delay_s(path) == 0
    assert least_delay_s(path, earlier, {0: (BASE_MS + 50) * 1_000_000}) == pytest.approx(12.02)


@pytest.mark.parametrize("ends", [{0: 6, 1: 6}, {0: 6, 1: 9, 2: 0}])
def test_events_within_the_first_end_show_no_delay(tmp_path: Path, ends: dict[int, int]) -> None:
    """They may have arrived at any time before it."""
    path = fates(tmp_path, [0] * 6, [0] * 6)
    assert least_delay_s(path, [EarlierEnd(0.5, ends)], {0: 1, 1: 1}) is None
    assert least_delay_s(path, [], {}) is None


def test_a_partition_that_was_added(tmp_path: Path) -> None:
    """All of its events arrived after an end at which it did not exist."""
    path = fates(tmp_path, [0] * 6, [0] * 2)
    last_ns = (BASE_MS + 50) * 1_000_000
    earlier = [EarlierEnd(0.5, {0: 6})]
    assert least_delay_s(path, earlier, {0: last_ns, 1: last_ns}) == pytest.approx(0.55)
