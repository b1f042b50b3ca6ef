"""TopicRows: every message is written once, to the block of its number, and counted."""

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from headcount_analysis.batches.expected import Expected
from headcount_analysis.messages.kinds import MessageKind
from headcount_analysis.read import topic_rows
from headcount_analysis.read.message_counts import of_messages
from headcount_analysis.read.topic_range import MESSAGES, OffsetRange
from headcount_analysis.read.topic_rows import UNOWNED, SplitWriter, TopicRows, merged, read_groups

from headcount.run.id_form import RunIds
from headcount.run.id_location import IdLocation

RUN = "run-1"
SPAN = 10
ASKED = {0: 95, 1: 40}


def a_message(offset: int, identity: str | None, partition: int = 0) -> dict[str, object]:
    """Make a message with an id at an offset; None makes one that is not JSON."""
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
    """Yield the messages in batches, as an executor reads them."""
    for start in range(0, len(messages), size):
        yield from pa.Table.from_pylist(messages[start : start + size], MESSAGES).to_batches()


def write_split(folder: Path, messages: list[dict[str, object]], size: int = 7) -> TopicRows:
    """Write a split."""
    writer = SplitWriter(
        Expected(RunIds(RUN), IdLocation(), ASKED, ["m"]), ("a",), str(folder), SPAN
    )
    return writer(batches(messages, size))


@pytest.fixture
def messages() -> list[dict[str, object]]:
    """Every requested event once, out of order, and unowned messages among them."""
    names = [
        f"{RUN}.{generator}.{seq}" for generator, count in ASKED.items() for seq in range(count)
    ]
    names += ["other.0.1", f"{RUN}.0.95", f"{RUN}.9.0"]
    random.Random(3).shuffle(names)
    identities: list[str | None] = [*names, None]
    return [a_message(100 + offset, name) for offset, name in enumerate(identities)]


@pytest.mark.parametrize("buffered", [1, 40, 1000])
def test_each_message_is_in_the_block_of_its_number(
    buffered: int,
    messages: list[dict[str, object]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With any buffer size; unowned messages are in their own block."""
    monkeypatch.setattr(topic_rows, "BUFFERED_ROWS", buffered)
    half = len(messages) // 2
    parts = [write_split(tmp_path, messages[:half]), write_split(tmp_path, messages[half:])]
    topic = merged(str(tmp_path), SPAN, parts)

    for block in range(10):
        rows = read_groups(topic.place, topic.groups.get(block, ())).to_pylist()
        numbers = sorted((row["generator"], row["seq"]) for row in rows)
        assert numbers == [
            (generator, seq)
            for generator, count in ASKED.items()
            for seq in range(block * SPAN, min(count, (block + 1) * SPAN))
        ]
    rows = read_groups(topic.place, topic.groups[UNOWNED]).to_pylist()
    unowned_kinds = [row["kind"] for row in rows]
    assert sorted(unowned_kinds) == [
        MessageKind.FOREIGN,
        MessageKind.MALFORMED,
        MessageKind.PHANTOM,
        MessageKind.PHANTOM,
    ]
    assert set(topic.groups) == {UNOWNED, *range(10)}


def test_they_are_counted(messages: list[dict[str, object]], tmp_path: Path) -> None:
    """By partition, kind and type, with the first unowned offsets, and the times."""
    more = [a_message(offset, None, 1) for offset in range(20, 2, -1)]
    parts = [write_split(tmp_path, some) for some in (messages[:50], messages[50:], more)]
    topic = merged(str(tmp_path), SPAN, parts)
    totals = of_messages(
        topic.counts, OffsetRange("t", {0: 100, 1: 3, 2: 0}, {0: 300, 1: 21, 2: 0})
    )

    zero, one, two = totals.partitions
    assert (zero.read, zero.first, zero.last) == (139, 100, 238)
    assert (zero.malformed, zero.foreign, zero.malformed_samples) == (1, 1, (238,))
    assert (one.read, one.malformed, one.malformed_samples) == (18, 18, (3, 4, 5, 6, 7))
    assert (two.read, two.first) == (0, None)
    assert totals.timestamp_types == {0, 1}
    assert topic.first_ms is not None
    assert topic.last_ms is not None
    assert 1100 <= topic.first_ms < topic.last_ms <= 1237


def test_no_messages(tmp_path: Path) -> None:
    """A split without messages leaves no file, and a block without messages is empty."""
    topic = write_split(tmp_path, [])

    assert list(tmp_path.iterdir()) == []
    assert topic.first_ms is None
    assert topic.groups == {}
    assert len(read_groups(topic.place, ())) == 0
