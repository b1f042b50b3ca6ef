"""Clocks: the true offset between two clocks lies within the measured bounds."""

import math
import random
from collections.abc import Callable, Sequence

import pyarrow as pa
from headcount_analysis.measure.clocks import ClockOffset, bounds, corrections_ms, merged

MS = 1_000_000
START_NS = 1_700_000_000_000 * MS
TIMES = ("sent_at_ns", "answered_at_ns", "broker_at_ms", "entered_at_ns")
SCHEMA = pa.schema(
    [("generator", pa.int32()), ("fate", pa.string()), *((name, pa.int64()) for name in TIMES)]
)
Row = tuple[object, ...]


def row(
    sent_ns: int,
    published_ns: int,
    answered_ns: int | None,
    *,
    ahead_ns: int = 0,
    generator: int = 0,
) -> Row:
    """Return a delivered event; all arguments are times by the generator's clock."""
    stamp = (published_ns + ahead_ns) // MS
    return (generator, "delivered", sent_ns, answered_ns, stamp, stamp * MS)


def measured(*parts: Sequence[Row]) -> tuple[ClockOffset, ...]:
    """Measure the offsets from events that were compared in parts."""
    tables = [
        pa.Table.from_pylist(
            [dict(zip(SCHEMA.names, values, strict=True)) for values in rows], SCHEMA
        )
        for rows in parts
    ]
    return merged(bound for table in tables for bound in bounds(table))


def synchronous(
    chance: random.Random, seconds: range, *, ahead_ns: int = 0, generator: int = 0
) -> list[Row]:
    """Return forty events per second of a service that publishes before it answers."""
    rows = []
    for number in range(seconds.start * 40, seconds.stop * 40):
        sent = START_NS + number * 25 * MS
        published = sent + chance.randrange(1, 4 * MS)
        answered = published + chance.randrange(1, 4 * MS)
        rows.append(row(sent, published, answered, ahead_ns=ahead_ns, generator=generator))
    return rows


def test_the_true_offset_is_found() -> None:
    """The bounds contain the offset and are narrow, whichever clock is ahead and by how much."""
    chance = random.Random(5)
    true_ns = {0: 0, 1: 350 * MS + 7, 2: -90_000 * MS, 3: 2 * MS}
    rows: list[Row] = []
    for generator, ahead_ns in true_ns.items():
        rows += synchronous(chance, range(10), ahead_ns=ahead_ns, generator=generator)
        rows.append((generator, "lost", 1, 2, None, None))
        rows.append((generator, "recovered", 1, None, 2, 2 * MS))
        rows.append((generator, "delivered", 1, 2, 10**17, None))
    chance.shuffle(rows)

    offsets = measured(rows[:700], rows[700:])

    assert [offset.generator for offset in offsets] == list(true_ns)
    for offset in offsets:
        assert offset.is_consistent
        assert offset.least_ns <= true_ns[offset.generator] <= offset.most_ns
        assert offset.uncertainty_ms < 1.0
        assert offset.correction_ms == round(true_ns[offset.generator] / MS)
    assert [offset.is_apart for offset in offsets] == [False, True, True, True]
    assert [offset.error_ms for offset in offsets] == [(0, 0), (0, 350), (0, 0), (0, 2)]
    assert corrections_ms(offsets) == {1: 350, 2: -90_000, 3: 2}


def test_a_service_that_answers_first_does_not_look_like_a_moved_clock() -> None:
    """It publishes after a random delay, by a relay every 5 s, or late once in a thousand."""
    chance = random.Random(6)
    delays_ms: dict[str, Callable[[int], float]] = {
        "random": lambda _sent_ms: chance.uniform(0, 8000),
        "relay": lambda sent_ms: 5000 - sent_ms % 5000,
        "seldom": lambda sent_ms: 40 if sent_ms == 2000 else 0.5,
    }
    for name, delay_ms in delays_ms.items():
        rows = []
        for number in range(1000):
            sent = START_NS + number * 25 * MS
            published = sent + round(delay_ms(number * 25) * MS)
            rows.append(row(sent, published, sent + 3 * MS))
        (offset,) = measured(rows)
        assert offset.answers_first, name
        assert not offset.has_moved, name
        assert not offset.is_apart, name
        assert offset.correction_ms == 0, name
        assert offset.error_ms == (0, 0), name
        later = {"random": 900, "relay": 990, "seldom": 1}[name]
        assert offset.events == 1000
        assert later <= offset.published_later <= (1 if name == "seldom" else 1000)


def test_a_clock_that_was_set_is_recognized() -> None:
    """A clock set within or between blocks, forward or back, is recognized, and so is drift."""
    chance = random.Random(7)
    for step_ns in (80 * MS, -80 * MS):
        before = synchronous(chance, range(12))
        behind = synchronous(chance, range(12, 20), ahead_ns=step_ns)
        for parts in ([[*before, *behind]], [before, behind]):
            (offset,) = measured(*parts)
            assert offset.has_moved
            assert not offset.answers_first
            assert not offset.is_apart
            assert offset.correction_ms == 0
            shorter, longer = offset.error_ms
            assert 70 < shorter == longer < 81
    drifting = [synchronous(chance, range(s, s + 1), ahead_ns=s * MS // 50) for s in range(400)]
    rows = [event for second in drifting for event in second]
    (offset,) = measured(rows)
    assert offset.has_moved


def test_a_clock_that_is_behind_is_certain() -> None:
    """No event is published before it was requested, whenever the service answers."""
    chance = random.Random(8)
    rows = []
    for number in range(100):
        sent = START_NS + number * 25 * MS
        published = sent + chance.randrange(1, 900 * MS)
        rows.append(row(sent, published, sent + 2 * MS, ahead_ns=-5000 * MS))
    (offset,) = measured(rows)
    assert offset.is_apart
    assert -5000 <= offset.correction_ms <= -4900
    assert offset.error_ms == (0, math.inf)


def test_a_few_late_events_do_not_mean_that_a_clock_is_ahead() -> None:
    """A single late event has a timestamp after its answer, too."""
    (offset,) = measured([row(START_NS, START_NS + 70_000 * MS, START_NS + 5 * MS)])
    assert (offset.is_apart, offset.correction_ms) == (False, 0)


def test_nothing_measured() -> None:
    """Without delivered events there is no offset."""
    assert measured([(0, "lost", 1, 2, None, None)]) == ()
