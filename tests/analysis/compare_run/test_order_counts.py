"""Order: which events have one, counted from the fates, some keys at a time."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from headcount_analysis.compare_run import order_counts
from headcount_analysis.compare_run.order_counts import Order, order

from tests.analysis.compare_run.test_ordering import lines

HISTORIES: dict[str, tuple[list[tuple[int, int, int, int, int, int | None]], Order]] = {
    "one after the other": ([(0, 0, 0, 7, 0, 1), (0, 0, 1, 7, 5, 1)], Order(2, 2, 0)),
    "of one key in two partitions": ([(0, 0, 0, 7, 0, 1), (0, 1, 1, 7, 5, 1)], Order(0, 2, 2)),
    "of two keys": ([(0, 0, 0, 7, 0, 1), (0, 0, 1, 8, 5, 1)], Order(0, 2, 0)),
    "of two generators": ([(0, 0, 0, 7, 0, 1), (1, 0, 1, 7, 5, 1)], Order(0, 2, 0)),
    "at the same time": ([(0, 0, 0, 7, 0, 9), (0, 0, 1, 7, 5, 9)], Order(0, 2, 0)),
    "never answered": ([(0, 0, 0, 7, 0, None), (0, 0, 1, 7, 5, None)], Order(0, 2, 0)),
}


@pytest.mark.parametrize("history", HISTORIES)
def test_what_has_an_order(history: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests of a generator and key that follow each other, if their events have one partition.

    Keys may be looked at a part at a time.
    """
    events, expected = HISTORIES[history]
    # Each key's two events are in neighbouring partitions.
    others = [(0, each % 3, each, 100 + each // 2, 10 * each, 1) for each in range(40)]
    keyless = lines([*events, *others])
    place = keyless.column_names.index("key_hash")
    keys = [*keyless["key_hash"].to_pylist(), None]
    unkeyed = pa.concat_tables([keyless, keyless[:1]]).set_column(
        place, "key_hash", pa.array(keys, pa.int64())
    )
    (tmp_path / "fates").mkdir()
    pq.write_table(unkeyed, tmp_path / "fates" / "1.parquet")
    for most in (10**6, 8):
        monkeypatch.setattr(order_counts, "MOST_KEYED", most)
        counts = order(tmp_path / "fates", len(unkeyed))
        assert counts == expected + Order(0, 40, 40)
