"""Event differences: every corrupted event has one row and is counted, whatever its copies."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from headcount_analysis.corrupted import event_differences
from headcount_analysis.corrupted.copies import COPIES, BlockCopies
from headcount_analysis.corrupted.event_differences import BlockDifferences, EventComparer
from headcount_analysis.corrupted.exchange import FileRows, write_sorted
from headcount_analysis.corrupted.message_differences import MESSAGE_DIFFERENCES, dumped
from headcount_analysis.messages.field_differences import Difference, DifferenceKind

Rows = list[dict[str, Any]]
TYPE = DifferenceKind.TYPE


def a_copy(seq: int, generator: int, offset: int, text: str | None = None) -> dict[str, object]:
    """Make a corrupted copy, with its differences if they are known."""
    return {
        "seq": seq,
        "generator": generator,
        "offset": offset,
        "partition": 0,
        "timestamp_ms": offset,
        "event_type": "buy",
        "differences": text,
    }


def joined(folder: Path, copies: Rows) -> tuple[BlockDifferences, Rows]:
    """Join the copies of a block; one file of messages holds those of another block, too."""
    place = str(folder)
    chosen = [{name: copy.get(name) for name in COPIES.names} for copy in copies]
    rows = pa.Table.from_pylist(chosen, COPIES)
    block = BlockCopies(0, write_sorted(place, rows, ("partition", "offset")), ())
    known = [copy for copy in copies if copy["differences"] is not None]
    beyond = a_copy(1_000, 0, 9_000, dumped((Difference("wrong", TYPE),)))
    messages = pa.Table.from_pylist([*known, beyond], MESSAGE_DIFFERENCES)
    files = FileRows(place, (write_sorted(place, messages, ("seq",)),), MESSAGE_DIFFERENCES)
    done = EventComparer(place, files, place).compare(block)
    tables = [pq.read_table(folder / name) for name in sorted(done.files)]
    return done, pa.concat_tables(tables).to_pylist()


@pytest.mark.parametrize("chunk", [1, 2, 5, 1000])
def test_every_event_has_one_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    """However the events are cut into chunks, for all generators and all their copies."""
    monkeypatch.setattr(event_differences, "_CHUNK_ROWS", chunk)
    copies = [
        a_copy(seq, generator, 100 * seq + 10 * generator + copy, dumped((Difference("n", TYPE),)))
        for seq in range(7)
        for generator in range(2)
        for copy in range(1 + (seq + generator) % 3)
    ]
    done, rows = joined(tmp_path, copies[::-1])
    assert [(row["seq"], row["generator"], row["corrupted_copies"]) for row in rows] == [
        (seq, generator, 1 + (seq + generator) % 3) for seq in range(7) for generator in range(2)
    ]
    assert all(row["corrupted_offset"] == 100 * row["seq"] + 10 * row["generator"] for row in rows)
    assert done.counts.events == sum(done.counts.sets.values()) == 14
    assert len(done.files) == (7 if chunk < 3 else 3 if chunk == 5 else 1)


def test_the_copies_of_an_event_are_joined(tmp_path: Path) -> None:
    """Of a field that differs in several copies, the first in time has the values."""
    first = dumped((Difference("n", TYPE, "1", '"a"'),))
    second = dumped((Difference("n", TYPE, "1", '"b"'), Difference("m", TYPE, "1", "[]")))
    done, rows = joined(tmp_path, [a_copy(3, 0, 8, second), a_copy(3, 0, 7, first)])
    (row,) = rows
    assert (row["fields"], row["found"], row["corrupted_copies"]) == (["n", "m"], ['"a"', "[]"], 2)
    assert row["corrupted_offset"] == 7
    assert done.counts.events == 1


def test_an_event_without_a_message_is_counted(tmp_path: Path) -> None:
    """Its fields are unknown, and it is not left out."""
    done, rows = joined(tmp_path, [a_copy(3, 0, 7), a_copy(4, 0, 8, dumped(()))])
    assert [row["fields"] for row in rows] == [[], []]
    assert (done.counts.events, done.counts.unknown) == (2, 2)


def test_all_events_are_named_and_a_hundred_have_values(tmp_path: Path) -> None:
    """Of each set of fields, so that a frequent one does not crowd out a rare one."""
    copies = [
        a_copy(seq, 0, seq, dumped((Difference("a" if seq % 100 else "b", TYPE, "1", str(seq)),)))
        for seq in range(500)
    ]
    _, rows = joined(tmp_path, copies)
    assert [row["fields"] for row in rows] == [["a" if seq % 100 else "b"] for seq in range(500)]
    sampled = [row["seq"] for row in rows if row["asked"] is not None]
    assert sampled == [*range(102), 200, 300, 400]
    assert all(row["found"] == [str(row["seq"])] for row in rows if row["found"] is not None)
