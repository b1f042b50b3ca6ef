"""Order: which events have one, counted from the fates, some keys at a time."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from headcount_analysis.reconciliation import order_counts
from headcount_analysis.reconciliation.order_counts import Order, order, ordered_by_type

from tests.analysis.reconciliation.test_ordering import lines

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
    others = [(0, seq % 3, seq, 100 + seq // 2, 10 * seq, 1) for seq in range(40)]
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


@pytest.mark.parametrize(
    ("order_of", "expected"),
    [
        # seq, event type, key, sent at, answered at
        ([(0, "a", None, 0, 1), (1, "b", 7, 0, 1), (2, "b", 7, 5, 6)], {"b": 1}),
        ([(0, "a", 7, 0, 1), (1, "b", 7, 5, 6)], {"a": 1}),
        ([(0, "a", 7, 0, 1), (1, "a", 7, 5, 6), (2, "b", 7, 7, None)], {"a": 2}),
        ([(0, "a", 7, 0, 9), (1, "b", 7, 5, 9)], {}),
        ([(0, "else", 7, 0, 1), (1, "a", 7, 5, 6)], {"(unknown)": 1}),
    ],
)
@pytest.mark.parametrize("most", [10**6, 1])
def test_events_that_a_later_one_may_overtake(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    order_of: list[tuple[int, str, int | None, int, int | None]],
    expected: dict[str, int],
    most: int,
) -> None:
    """Only these can be reordered; each counts for its own event type."""
    monkeypatch.setattr(order_counts, "MOST_KEYED", most)
    seqs, types, keys, sent, answered = zip(*order_of, strict=True)
    columns = {"generator": [0] * len(seqs), "partition": [0] * len(seqs), "seq": seqs}
    times = {"sent_at_ns": sent, "answered_at_ns": pa.array(answered, pa.int64())}
    key_hash, event_type = pa.array(keys, pa.int64()), pa.array(types).dictionary_encode()
    rows = pa.table({**columns, **times, "key_hash": key_hash, "event_type": event_type})
    pq.write_table(rows, tmp_path / "1.parquet")
    counts = ordered_by_type(tmp_path, len(rows), ["a", "b"], pc.field("sent_at_ns") >= 0)
    assert counts == expected
    later = ordered_by_type(tmp_path, len(rows), ["a", "b"], pc.field("sent_at_ns") >= 99)
    assert later == {}
