"""Message differences: each corrupted message is compared with its own request, and no other."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from headcount_analysis.corrupted import message_differences
from headcount_analysis.corrupted.copies import COPIES
from headcount_analysis.corrupted.exchange import FileRows, write_sorted
from headcount_analysis.corrupted.message_differences import (
    MESSAGE_DIFFERENCES,
    SplitComparer,
    loaded,
)
from headcount_analysis.messages.json_message import ParsedMessage, parse
from headcount_analysis.messages.record import Record
from headcount_analysis.read.topic_range import MESSAGES

from headcount.ledger.event_digest import describe
from headcount.run.id_form import RunIds

IDS = RunIds("run-1")


def a_message(partition: int, offset: int, event: dict[str, Any]) -> dict[str, object]:
    """Make a message of the topic."""
    return {
        "partition": partition,
        "offset": offset,
        "timestamp_ms": offset,
        "timestamp_type": 0,
        "key": None,
        "value": json.dumps({"id": IDS.text(0, offset), **event}).encode(),
    }


def a_copy(partition: int, offset: int, asked: dict[str, Any]) -> dict[str, object]:
    """Make the request of a corrupted message."""
    described = describe(asked)
    return {
        "partition": partition,
        "offset": offset,
        "timestamp_ms": offset,
        "generator": partition,
        "seq": offset,
        "event_type": "buy",
        "shape": described.shape,
        "asked": described.asked,
    }


def compared(
    folder: Path, copies: list[dict[str, object]], batches: list[list[dict[str, object]]]
) -> tuple[dict[tuple[int, int], str], int]:
    """Return the differences as text by partition and offset, and how many were decoded."""
    files = tuple(
        write_sorted(str(folder), pa.Table.from_pylist(part, COPIES), ("partition", "offset"))
        for part in (copies[::2], copies[1::2])
    )
    decoded: list[int] = []

    def counting(record: Record) -> ParsedMessage:
        decoded.append(record.offset)
        return parse(record.value)

    comparer = SplitComparer(IDS, FileRows(str(folder), files, COPIES), str(folder), counting)
    messages = (pa.Table.from_pylist(rows, MESSAGES).to_batches()[0] for rows in batches)
    written = FileRows(str(folder), comparer(messages), MESSAGE_DIFFERENCES)
    texts = {
        (row["partition"], row["offset"]): "; ".join(map(str, loaded(row["differences"])))
        for row in written.dataset().to_table().to_pylist()
    }
    return texts, len(decoded)


@pytest.mark.parametrize("window", [1, 7, 1000])
def test_each_message_is_compared_with_its_own_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, window: int
) -> None:
    """However batches, windows and partitions meet; others and sound messages are left out."""
    monkeypatch.setattr(message_differences, "_WINDOW", window)
    copies, batches, expected = [], [], {}
    for partition in range(2):
        for start in range(0, 60, 9):
            batch = []
            for offset in range(start, start + 9):
                batch.append(a_message(partition, offset, {"n": str(offset), "p": partition}))
                if offset % 3 == partition:
                    copies.append(a_copy(partition, offset, {"n": offset, "p": partition}))
                    text = f'n: asked for {offset}, found "{offset}"'
                    expected[partition, offset] = text
            batches.append(batch[::-1])
    texts, _ = compared(tmp_path, copies, batches)
    assert texts == expected


def test_partitions_may_be_mixed_in_a_batch(tmp_path: Path) -> None:
    """As Spark's own source mixes them."""
    batch = [a_message(number % 2, number // 2, {"n": number}) for number in range(20)]
    copies = [a_copy(number % 2, number // 2, {"n": -1}) for number in range(20)]
    texts, _ = compared(tmp_path, copies, [batch])
    assert texts == {
        (number % 2, number // 2): f"n: asked for -1, found {number}" for number in range(20)
    }


def test_messages_that_differ_only_in_their_ids_are_decoded_once(tmp_path: Path) -> None:
    """This is what makes many corrupted events quick; another request is compared anew."""
    copies = [a_copy(0, offset, {"n": 3 if offset < 40 else 4}) for offset in range(50)]
    batch = [a_message(0, offset, {"n": "3"}) for offset in range(50)]
    texts, decoded = compared(tmp_path, copies, [batch])
    assert decoded == 2
    assert texts[0, 39] == 'n: asked for 3, found "3"'
    assert texts[0, 40] == 'n: asked for 4, found "3"'


def test_a_value_with_an_id_is_not_shared(tmp_path: Path) -> None:
    """What one message has in place of a field is not shown for another."""
    copies = [a_copy(0, offset, {"n": 3}) for offset in range(5)]
    batch = [a_message(0, offset, {"n": IDS.text(0, offset)}) for offset in range(5)]
    texts, decoded = compared(tmp_path, copies, [batch])
    assert decoded == 5
    assert texts == {
        (0, offset): f'n: asked for 3, found "run-1.0.{offset}"' for offset in range(5)
    }


def test_a_split_without_corrupted_messages_writes_nothing(tmp_path: Path) -> None:
    """A range may hold long stretches of sound messages."""
    texts, decoded = compared(tmp_path, [a_copy(0, 99, {"n": 1})], [[a_message(0, 5, {"n": 1})]])
    assert (texts, decoded) == ({}, 0)
