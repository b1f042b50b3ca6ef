"""Patterns: reported only if they are unlikely by chance, in words that people would use."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from headcount_analysis.causes import exceptions_of_class
from headcount_analysis.causes.exception_patterns import Pattern, patterns
from headcount_analysis.classes_and_flags import FLAGS, Counts

SECOND_NS = 1_000_000_000
START_NS = 1_700_000_000 * SECOND_NS
SCHEMA = pa.schema(
    [
        *[("generator", pa.int32()), ("seq", pa.int64()), ("sent_at_ns", pa.int64())],
        *[("server", pa.string()), ("acked_partition", pa.int32()), ("acked_offset", pa.int64())],
        *[("partition", pa.int32()), ("event_type", pa.string()), ("fate", pa.string())],
        *[("outcome", pa.string()), ("copies", pa.int64())],
        *[(flag, pa.bool_()) for flag in FLAGS],
    ]
)


def patterns_of(
    folder: Path,
    lost: set[int],
    corrupted: frozenset[int] = frozenset(),
    unanswered: frozenset[int] = frozenset(),
) -> list[Pattern]:
    """Return the patterns of a run: an attempt a second, some of them lost or corrupted.

    There are 2 generators, 3 event types, 5 processes and 4 partitions, each in turn; no offset is
    known of an unanswered attempt.
    """
    rows = [
        {
            "generator": seq % 2,
            "seq": seq // 2,
            "sent_at_ns": START_NS + seq * SECOND_NS,
            "server": str(seq % 5),
            "acked_partition": None if seq in unanswered else seq % 4,
            "acked_offset": None if seq in unanswered else seq // 4,
            "partition": None if seq in lost else seq % 4,
            "event_type": ("guild", "sword", "shield")[seq % 3],
            "fate": "lost" if seq in lost else "delivered",
            "outcome": "indeterminate" if seq in unanswered else "acked",
            "copies": 0 if seq in lost else 1,
            **dict.fromkeys(FLAGS, False),
            "corrupted": seq in corrupted,
        }
        for seq in range(400)
    ]
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), folder / "fates", row_group_size=64)
    return list(patterns(folder / "fates", Counts(lost=len(lost), corrupted=len(corrupted))))


def texts(folder: Path, lost: set[int]) -> list[str]:
    """Return the patterns as text."""
    return [str(pattern) for pattern in patterns_of(folder, lost)]


def test_losses_by_chance_have_none(tmp_path: Path) -> None:
    """In 25 runs with random losses, there are none: at any number of losses."""
    random = np.random.default_rng(25)
    for _ in range(5):
        for count in (3, 5, 40, 200, 390):
            lost = set(random.choice(400, count, replace=False).tolist())
            assert texts(tmp_path, lost) == [], sorted(lost)


def test_few_have_none(tmp_path: Path) -> None:
    """Two exceptions always have something in common."""
    assert texts(tmp_path, {4, 8}) == []


def test_one_process(tmp_path: Path) -> None:
    """Eight of eight in one of five processes are a pattern; four of four may be chance."""
    several = {2, 47, 112, 157, 202, 267, 302, 377}
    (pattern,) = patterns_of(tmp_path, several)
    assert str(pattern) == "all 8 lost: process 2, which has 20 % of all acknowledged requests"
    assert pattern.filters == {"process": "2"}
    assert texts(tmp_path, {2, 112, 202, 377}) == []


def test_most_of_them(tmp_path: Path) -> None:
    """Most are a pattern, too, if that is at least half and twice the share of the run."""
    scattered = {40, 121, 213, 304}
    some = {seq for seq in range(0, 400, 5) if seq % 3 == 1} | scattered
    expected = "26 of 29 lost: process 0, which has 20 % of all acknowledged requests"
    assert expected in texts(tmp_path, some)


def test_all_events_of_a_type(tmp_path: Path) -> None:
    """If the whole type is lost, the pattern says so; three types are enough for ten losses."""
    assert texts(tmp_path, set(range(1, 400, 3))) == [
        "all 133 lost: event type sword, all events of this type",
    ]


def test_a_part_of_the_run(tmp_path: Path) -> None:
    """Losses that are close to each other are a pattern: the part of the run, by clock."""
    lost = {100, 113, 131, 146, 158, 175, 190, 204, 219, 235}
    (pattern,) = patterns_of(tmp_path, lost)
    expected = "sent 22:15:00 to 22:17:15 UTC, as were 34 % of all acknowledged requests"
    assert str(pattern) == f"all 10 lost: {expected}"
    assert pattern.filters == {
        "from": "2023-11-14T22:15:00.000Z",
        "to": "2023-11-14T22:17:15.001Z",
    }


def test_an_outage(tmp_path: Path) -> None:
    """Losses that fill a part of the run in every partition are no batch, and no range of ids."""
    assert texts(tmp_path, set(range(100, 120))) == [
        (
            "all 20 lost: all acknowledged requests from 22:15:00 to 22:15:19 UTC, "
            "5 % of those in the run"
        ),
    ]


def test_outages_beside_others(tmp_path: Path) -> None:
    """A few elsewhere do not hide that most are close to each other."""
    lost = {7, 301, *range(100, 120)}
    assert texts(tmp_path, lost) == [
        (
            "20 of 22 lost: all acknowledged requests from 22:15:00 to 22:15:19 UTC, "
            "5 % of those in the run"
        ),
    ]


def test_a_batch(tmp_path: Path) -> None:
    """Consecutive offsets in one partition are a batch."""
    lost = {*range(41, 81, 4), 260, 262, 350}
    assert texts(tmp_path, lost)[-1:] == [
        "10 of 13 lost: consecutive offsets, as in one batch: partition 1, 10 to 19",
    ]


def test_a_batch_among_few_acknowledged(tmp_path: Path) -> None:
    """Offsets follow each other by chance if few others were acknowledged in that part."""
    altered = frozenset({*range(101, 125, 4), 130, 146, 158, 175, 190})
    _, batch = patterns_of(tmp_path, set(), altered)
    expected = "6 of 11 corrupted: consecutive offsets, as in one batch: partition 1, 25 to 30"
    assert str(batch) == expected
    unanswered = frozenset(range(101, 191)) - altered - {110, 120, 142}
    (part,) = patterns_of(tmp_path, set(), altered, unanswered)
    assert "consecutive" not in str(part)


def test_a_partition_is_named_once(tmp_path: Path) -> None:
    """Where an event was acknowledged is usually where it is; corrupted ones are in the topic."""
    corrupted = frozenset({1, 37, 101, 153, 205, 253, 301, 397})
    assert [str(pattern) for pattern in patterns_of(tmp_path, set(), corrupted)] == [
        "all 8 corrupted: acknowledged in partition 1, which has 25 % of all events in the topic",
    ]


def test_very_many_are_sampled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Times are sampled, but counts are exact: all are in the part of the run."""
    monkeypatch.setattr(exceptions_of_class, "MOST", 10)
    assert texts(tmp_path, set(range(100, 200))) == [
        (
            "all 100 lost: all acknowledged requests from 22:15:00 to 22:16:39 UTC, "
            "25 % of those in the run"
        ),
    ]


def test_no_fates_no_patterns() -> None:
    """If nothing was reconciled, or nothing is an exception, nothing is read."""
    assert patterns(None, Counts(lost=9)) == ()
    assert patterns(Path("missing"), Counts(lost=2, delivered=9)) == ()
