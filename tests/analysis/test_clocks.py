"""Clocks: the offset that two clocks have is within the bounds that a run gives it."""

import random

import pyarrow as pa

from analysis.clocks import ClockOffset, clock_offsets, merged

MS = 1_000_000
TIMES = ("sent_at_ns", "answered_at_ns", "broker_at_ms")
SCHEMA = pa.schema(
    [("generator", pa.int32()), ("fate", pa.string()), *((name, pa.int64()) for name in TIMES)]
)


def test_the_true_offset_is_found() -> None:
    """Whichever clock is ahead, and by however much, the bounds hold it, and are narrow."""
    chance = random.Random(5)
    true_ns = {0: 0, 1: 350 * MS + 7, 2: -90_000 * MS, 3: 2 * MS}
    rows: list[tuple[object, ...]] = []
    for generator, offset_ns in true_ns.items():
        for _ in range(400):
            sent = 1_700_000_000_000 * MS + chance.randrange(10**12)
            appended = sent + chance.randrange(1, 4 * MS)
            answered = appended + chance.randrange(1, 4 * MS)
            stamp = (appended + offset_ns) // MS
            rows.append((generator, "delivered", sent, answered, stamp))
        rows.append((generator, "lost", 1, 2, None))
        rows.append((generator, "recovered", 1, None, 2))

    chance.shuffle(rows)
    parts = [
        pa.Table.from_pylist([dict(zip(SCHEMA.names, row, strict=True)) for row in some], SCHEMA)
        for some in (rows[:700], rows[700:])
    ]

    offsets = merged(offset for part in parts for offset in clock_offsets(part))

    assert [each.generator for each in offsets] == list(true_ns)
    for each in offsets:
        assert each.is_steady
        assert each.least_ns <= true_ns[each.generator] <= each.most_ns
        assert each.uncertainty_ms < 1.0
    assert [each.is_apart for each in offsets] == [False, True, True, True]


def test_a_clock_that_was_set_is_told() -> None:
    """Where no one offset fits, that is said, and how much is missing."""
    moved = ClockOffset(0, least_ns=5 * MS, most_ns=1 * MS)

    assert not moved.is_steady
    assert moved.uncertainty_ms == -2.0
