"""Ordering: checking parts and pairs of parts gives the same result as checking all at once."""

import pyarrow as pa
from headcount_analysis.reconciliation.ordering import LINE, overtaking, reaches, reordered
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
