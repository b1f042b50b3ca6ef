"""TopicRows: every message is put down once, in the block of its number, and counted."""

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from headcount_analysis.compare_run.message_counts import of_messages
from headcount_analysis.messages.kinds import Expected, MessageKind
from headcount_analysis.read import topic_rows
from headcount_analysis.read.topic_range import MESSAGES, OffsetRange
from headcount_analysis.read.topic_rows import UNOWNED, SplitWriter, TopicRows, merged, read_groups

RUN = "run-1"
SPAN = 10
ASKED = {0: 95, 1: 40}


def a_message(offset: int, identity: str | None, partition: int = 0) -> dict[str, object]:
    """A message at its place; None is no JSON at all."""
    text = "broken" if identity is None else json.dumps({"X-Event-Id": identity, "m": 1})
    return {
        "partition": partition,
        "offset": offset,
        "timestamp_ms": 1000 + offset,
        "timestamp_type": offset % 2,
        "key": None,
        "value": text.encode(),
    }


def batches(messages: list[dict[str, object]], size: int) -> Iterator[pa.RecordBatch]:
    """Give the messages as Spark hands them to an executor."""
    for start in range(0, len(messages), size):
        yield from pa.Table.from_pylist(messages[start : start + size], MESSAGES).to_batches()


def put_down(folder: Path, messages: list[dict[str, object]], size: int = 7) -> TopicRows:
    """Read a split."""
    scribe = SplitWriter(Expected(RUN, "X-Event-Id", ASKED, ["m"]), ("a",), str(folder), SPAN)
    return scribe(batches(messages, size))


@pytest.fixture
def messages() -> list[dict[str, object]]:
    """Every asked event once, out of order, and strangers between them."""
    names = [
        f"{RUN}.{generator}.{seq}" for generator, count in ASKED.items() for seq in range(count)
    ]
    names += ["other.0.1", f"{RUN}.0.95", f"{RUN}.9.0"]
    random.Random(3).shuffle(names)
    told: list[str | None] = [*names, None]
    return [a_message(100 + offset, name) for offset, name in enumerate(told)]


@pytest.mark.parametrize("buffered", [1, 40, 1000])
def test_each_message_is_in_the_block_of_its_number(
    buffered: int,
    messages: list[dict[str, object]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However much is written at a time; what belongs to nobody is in a block of its own."""
    monkeypatch.setattr(topic_rows, "BUFFERED_ROWS", buffered)
    half = len(messages) // 2
    parts = [put_down(tmp_path, messages[:half]), put_down(tmp_path, messages[half:])]
    found = merged(str(tmp_path), SPAN, parts)

    for block in range(10):
        rows = read_groups(found.place, found.groups.get(block, ())).to_pylist()
        numbers = sorted((row["generator"], row["seq"]) for row in rows)
        assert numbers == [
            (generator, seq)
            for generator, count in ASKED.items()
            for seq in range(block * SPAN, min(count, (block + 1) * SPAN))
        ]
    rows = read_groups(found.place, found.groups[UNOWNED]).to_pylist()
    strangers = [row["kind"] for row in rows]
    assert sorted(strangers) == [
        MessageKind.FOREIGN,
        MessageKind.MALFORMED,
        MessageKind.PHANTOM,
        MessageKind.PHANTOM,
    ]
    assert set(found.groups) == {UNOWNED, *range(10)}


def test_they_are_counted(messages: list[dict[str, object]], tmp_path: Path) -> None:
    """By partition, kind and type, with the offsets of the first strangers, and their times."""
    more = [a_message(offset, None, 1) for offset in range(20, 2, -1)]
    parts = [put_down(tmp_path, some) for some in (messages[:50], messages[50:], more)]
    found = merged(str(tmp_path), SPAN, parts)
    told = of_messages(found.counts, OffsetRange("t", {0: 100, 1: 3, 2: 0}, {0: 300, 1: 21, 2: 0}))

    zero, one, two = told.partitions
    assert (zero.read, zero.first, zero.last) == (139, 100, 238)
    assert (zero.malformed, zero.foreign, zero.malformed_samples) == (1, 1, (238,))
    assert (one.read, one.malformed, one.malformed_samples) == (18, 18, (3, 4, 5, 6, 7))
    assert (two.read, two.first) == (0, None)
    assert told.timestamp_types == {0, 1}
    assert found.first_ms is not None
    assert found.last_ms is not None
    assert 1100 <= found.first_ms < found.last_ms <= 1237


def test_nothing_arrived(tmp_path: Path) -> None:
    """A split without messages leaves no file, and a block without messages is empty."""
    found = put_down(tmp_path, [])

    assert list(tmp_path.iterdir()) == []
    assert found.first_ms is None
    assert found.groups == {}
    assert len(read_groups(found.place, ())) == 0
