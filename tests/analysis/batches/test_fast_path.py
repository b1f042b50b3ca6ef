"""The fast path: of messages that differ only where nothing is read, few are decoded."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pytest
from headcount_analysis.batches.content import Reader
from headcount_analysis.batches.expected import Expected
from headcount_analysis.formats import json_format
from headcount_analysis.formats.json_format import JsonFormat
from headcount_analysis.formats.message_format import FormatOptions, MessageFormat
from headcount_analysis.messages.json_message import ParsedMessage, parse
from headcount_analysis.read.topic_range import MESSAGES

from headcount.run.id_form import RunIds
from headcount.run.id_location import parse_location

IDS = RunIds("8tq0zk3f5m")
ROWS = 1000
SAMPLED = 64
"""The messages of a batch that are decoded to find volatile fields."""


@dataclass(slots=True)
class Decoding:
    """Reads batches of JSON, and counts how many messages were parsed."""

    parsed: list[bytes | None] = field(default_factory=list)

    def parse(self, value: bytes | None) -> ParsedMessage:
        """Parse a message."""
        self.parsed.append(value)
        return parse(value)

    def counts(self, reader: Reader, *batches: Sequence[bytes]) -> list[int]:
        """Return how many messages of each batch are parsed."""
        counts = []
        for values in batches:
            before = len(self.parsed)
            arrivals = reader.arrivals(rows(values))
            assert set(arrivals["kind"].to_pylist()) == {"claimed"}
            assert all(arrivals["digests"].to_pylist())
            counts.append(len(self.parsed) - before)
        return counts


@pytest.fixture
def decoding(monkeypatch: pytest.MonkeyPatch) -> Decoding:
    """Counts what the format JSON parses."""
    made = Decoding()
    monkeypatch.setattr(json_format, "parse", made.parse)
    return made


def reader_of(place: str = "field:X-Event-Id", format_: MessageFormat | None = None) -> Reader:
    """Make a reader of events in JSON of which `m` and the type are compared."""
    message_format = format_ or JsonFormat(FormatOptions())
    location, asked = parse_location(place), {0: 10 * ROWS}
    return Reader(Expected(IDS, location, asked, ["event_type,m"], message_format=message_format))


def rows(values: Sequence[bytes]) -> pa.RecordBatch:
    """Make a batch of messages, each with an id as its key, too."""
    messages = [
        {"topic": "t", "partition": 0, "offset": row, "key": IDS.text(0, row).encode()}
        | {"value": value}
        for row, value in enumerate(values)
    ]
    (batch,) = pa.Table.from_pylist(messages, MESSAGES).combine_chunks().to_batches()
    return batch


def event(seq: int, m: int, **more: str) -> bytes:
    """Write an event; `more` are texts of JSON."""
    pairs = [f'"X-Event-Id":"{IDS.text(0, 1000 + seq)}"', '"event_type":"buy"', f'"m":{m}']
    pairs += [f'"{name}":{text}' for name, text in more.items()]
    return ("{" + ",".join(pairs) + "}").encode()


@pytest.mark.parametrize("place", ["field:X-Event-Id", "key"])
def test_a_text_is_parsed_once(decoding: Decoding, place: str) -> None:
    """However many messages, also of later batches, differ from it only in what is masked."""
    values = [event(seq, seq % 7, at=f"{10**12 + seq}") for seq in range(ROWS)]
    first, second = decoding.counts(reader_of(place), values, values[::-1])
    # An id at another place is another volatile field, whose length is always the same here.
    assert (first - SAMPLED, second) == (7, 0)


def test_a_text_that_occurs_once_in_a_batch_is_remembered(decoding: Decoding) -> None:
    """A load test has more different events than a batch has of each."""
    values = [event(seq, seq) for seq in range(ROWS)]
    first, second = decoding.counts(reader_of(), values, values)
    assert first <= ROWS + SAMPLED
    assert second <= SAMPLED


@pytest.mark.parametrize(
    "number",
    [
        lambda seq: f"{seq}.{seq % 10}{seq % 7}",
        lambda seq: f"0.{seq + 1000}",
        lambda seq: f"-{seq + 1000}",
        lambda seq: f"-{seq + 1}.5",
    ],
    ids=["price", "share", "debt", "both"],
)
def test_numbers_of_any_kind_are_masked(decoding: Decoding, number: Callable[[int], str]) -> None:
    """With a sign, a fraction, or both."""
    values = [event(seq, seq % 7, price=number(seq)) for seq in range(ROWS)]
    (count,) = decoding.counts(reader_of(), values)
    assert count < SAMPLED + 7 * 8


def test_a_field_of_some_events_is_masked(decoding: Decoding) -> None:
    """Only a part of the events may have a number of an order, but each of these has another."""
    values = [
        event(seq, seq % 7, order=f'"{10**6 + 7919 * seq}"') if seq % 5 == 0 else event(seq, 1)
        for seq in range(ROWS)
    ]
    values += [event(seq, seq, note="true") for seq in range(ROWS // 4)]
    (count,) = decoding.counts(reader_of(), values)
    assert count <= SAMPLED + 20 + ROWS // 4


def test_a_mask_that_leaves_the_texts_different_is_not_kept(decoding: Decoding) -> None:
    """It would cost each message time, and save none."""
    reader = reader_of()
    decoding.counts(reader, [event(seq, seq, at=f"{10**12 + seq}") for seq in range(ROWS)])
    assert reader._masker.fields == ()  # noqa: SLF001 - the test is about what it masks


class RoundedFormat(JsonFormat):
    """JSON whose type depends on a field that is not compared."""

    def decode(self, record: Any) -> ParsedMessage:
        """Decode a record."""
        parsed = super().decode(record)
        assert parsed.event is not None
        return parsed._replace(event_type=str(parsed.event["at"])[:1])


def test_a_format_derived_from_json_is_tried() -> None:
    """What it reads may depend on any field, so the proof for JSON does not hold for it."""
    values = [event(seq, 1, at=f"{(seq % 9 + 1) * 10**6 + seq}") for seq in range(ROWS)]
    arrivals = reader_of(format_=RoundedFormat(FormatOptions())).arrivals(rows(values))
    assert arrivals["event_type"].to_pylist() == [str(seq % 9 + 1) for seq in range(ROWS)]
