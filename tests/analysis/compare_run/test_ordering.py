"""Ordering: checking parts and pairs of parts gives the same result as checking all at once."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from headcount_analysis.compare_run import ordering
from headcount_analysis.compare_run.ordering import LINE, order, overtaking, reaches, reordered
from headcount_analysis.evidence import Order
from hypothesis import given, settings
from hypothesis import strategies as some

SCHEMA = pa.schema([(name, pa.int64()) for name in LINE])
EVENTS = some.lists(
    some.tuples(
        *(some.integers(0, most) for most in (1, 0, 9, 1, 9)),
        some.none() | some.integers(0, 3),
    ),
    max_size=12,
)
"""generator, partition, offset, key, when it was sent, how long it took"""


def lines(events: list[tuple[int, int, int, int, int, int | None]]) -> pa.Table:
    """Make rows of events from when they were sent, how long they took, and where they are."""
    rows = [
        {
            "generator": generator,
            "seq": seq,
            "partition": partition,
            "offset": 100 * offset + seq,
            "key_hash": key,
            "sent_at_ns": sent,
            "answered_at_ns": None if took is None else sent + took,
        }
        for seq, (generator, partition, offset, key, sent, took) in enumerate(events)
    ]
    return pa.Table.from_pylist(rows, SCHEMA).combine_chunks()


def reordered_seqs(table: pa.Table) -> set[int]:
    """Return the sequence numbers of the reordered events."""
    return set(reordered(table)["seq"].to_pylist())


@given(events=EVENTS, size=some.integers(1, 4))
@settings(max_examples=200, deadline=None)
def test_pairs_give_the_same_result_as_all(
    events: list[tuple[int, int, int, int, int, int | None]], size: int
) -> None:
    """Pairs that are listed hold all reordered events; other pairs hold none."""
    whole = lines(events)
    parts = {start // size: whole[start : start + size] for start in range(0, len(whole), size)}
    by_part = {number: reaches(part) for number, part in parts.items()}
    by_pair = [reordered_seqs(part.combine_chunks()) for part in parts.values()]
    for first, second in overtaking(by_part):
        both = pa.concat_tables([parts[first], parts[second]]).combine_chunks()
        by_pair.append(reordered_seqs(both))
    assert set().union(*by_pair) == reordered_seqs(whole)


def test_neighbours_in_order_are_not_a_pair() -> None:
    """Parts that follow each other in time and offset need not be checked together."""
    whole = lines([(0, 0, seq, 0, seq, 1) for seq in range(20)])
    halves = {0: reaches(whole[:10]), 1: reaches(whole[10:])}
    assert overtaking(halves) == []


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
        monkeypatch.setattr(ordering, "MOST_KEYED", most)
        counts = order(tmp_path / "fates", len(unkeyed))
        assert counts == expected + Order(0, 40, 40)
