"""Patterns: what exceptions have in common is reported, unless the whole run shares it."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from headcount_analysis.classes_and_flags import FLAGS
from headcount_analysis.compare_run.exception_patterns import patterns

SECOND_NS = 1_000_000_000
SCHEMA = pa.schema(
    [
        *[("generator", pa.int32()), ("seq", pa.int64()), ("sent_at_ns", pa.int64())],
        *[("server", pa.string()), ("acked_partition", pa.int32()), ("acked_offset", pa.int64())],
        *[("partition", pa.int32()), ("event_type", pa.string()), ("fate", pa.string())],
        *[(flag, pa.bool_()) for flag in FLAGS],
    ]
)


def pattern_texts(
    folder: Path, lost: set[int], *, servers: int = 2, acked: bool = True
) -> list[str]:
    """Return the patterns of a run of 100 attempts, a second apart, some of them lost."""
    rows = [
        {
            "generator": seq % 2,
            "seq": seq // 2,
            "sent_at_ns": seq * SECOND_NS,
            "server": str(seq % servers),
            "acked_partition": seq % 4 if acked else None,
            "acked_offset": seq // 4 if acked else None,
            "partition": None if seq in lost else seq % 4,
            "event_type": "sword" if seq % 3 else "guild",
            "fate": "lost" if seq in lost else "delivered",
            **dict.fromkeys(FLAGS, False),
        }
        for seq in range(100)
    ]
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), folder / "fates")
    return [str(pattern) for pattern in patterns(folder / "fates")]


def test_scattered_losses_have_none(tmp_path: Path) -> None:
    """Losses here and there have nothing in common."""
    assert pattern_texts(tmp_path, {3, 20, 45, 62, 97}) == []


def test_few_have_none(tmp_path: Path) -> None:
    """Two exceptions always have something in common."""
    assert pattern_texts(tmp_path, {4, 8}) == []


def test_one_process(tmp_path: Path) -> None:
    """One of two processes is a pattern; the only process is not."""
    assert pattern_texts(tmp_path, {3, 21, 45, 63, 97}) == [
        "all 5 lost: generator 1",
        "all 5 lost: the service's process 1",
    ]
    assert pattern_texts(tmp_path, {3, 20, 45, 62, 97}, servers=1) == []


def test_a_batch(tmp_path: Path) -> None:
    """Consecutive offsets in one partition are a batch, consecutive ids of a generator a range."""
    assert pattern_texts(tmp_path, {41, 45, 49}, servers=100) == [
        "all 3 lost: generator 1",
        "all 3 lost: acknowledged in partition 1",
        "all 3 lost: sent within 8.000 s, from 00:00:41.000 UTC",
        "all 3 lost: contiguous offsets, as in one batch, acknowledged in partition 1, 10 to 12",
    ]


def test_a_range_of_ids(tmp_path: Path) -> None:
    """The ranges are listed, the longest first, with their bounds."""
    lost = {*range(10, 20, 2), *range(61, 81, 2), 95}
    assert pattern_texts(tmp_path, lost, acked=False) == [
        "15 of 16 lost: contiguous ids of generator 1, 30 to 39; generator 0, 5 to 9",
    ]


def test_no_fates_no_patterns() -> None:
    """If nothing was reconciled, there are no patterns."""
    assert patterns(None) == ()
