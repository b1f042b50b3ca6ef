"""Look-alikes: messages that share a text, or nearly, and must not be read as each other."""

import base64
import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest
from headcount_analysis.batches.content import Reader
from headcount_analysis.batches.expected import Expected
from headcount_analysis.formats.catalogue import format_of
from headcount_analysis.formats.json_format import JsonFormat
from headcount_analysis.formats.message_format import FormatOptions, IdText
from headcount_analysis.formats.raw_format import RawFormat
from headcount_analysis.messages.json_message import ParsedMessage
from headcount_analysis.messages.record import Record
from headcount_analysis.read.topic_range import MESSAGES

from headcount.ledger.event_digest import shape
from headcount.run.id_form import IdForm, RunIds
from headcount.run.id_location import parse_location
from headcount.run.message_format import FormatSettings
from tests.analysis.batches.hostile import ASKED, TAG
from tests.analysis.batches.test_sharing import Rows, read_alone, read_together

IDS = RunIds(TAG)
MANY = 120
"""So many that fields that differ in each message are masked."""

BINARY = {"ce_specversion": b"1.0", "ce_source": b"/s", "ce_type": b"t"}


def own(seq: int) -> str:
    """Write an id of the run."""
    return IDS.text(0, seq)


def message(value: object, *headers: tuple[str, bytes | None], **parts: Any) -> dict[str, Any]:
    """Make a row of MESSAGES."""
    content = value if value is None or isinstance(value, bytes) else json.dumps(value).encode()
    pairs = [{"key": name, "value": text} for name, text in headers]
    return {"topic": "t", "partition": 0, "offset": 0, "value": content, "headers": pairs, **parts}


def check(
    place: str, messages: Rows, asked: Sequence[object] = (), settings: tuple[str, ...] = ("json",)
) -> Rows:
    """Check that messages are read together as alone, in any order, and return what is read."""
    shapes = [shape(event) for event in asked if isinstance(event, dict)]
    chosen = format_of(FormatSettings(*settings))
    expected = Expected(IDS, parse_location(place), ASKED, shapes, message_format=chosen)
    alone = read_alone(expected, messages)
    assert read_together(expected, messages) == alone
    assert read_together(expected, messages[::-1]) == alone[::-1]
    return alone


@pytest.mark.parametrize("place", ["key", "header:id", "field:X-Event-Id"])
@pytest.mark.parametrize("name", ["json", "debezium", "raw"])
def test_a_null_is_no_empty_value(place: str, name: str) -> None:
    """The same holds where the id is beside the value, and for messages without an id."""
    texts = (None, b"else", own(1).encode(), f"{own(1)}x".encode())
    messages = [message(value, ("id", text), key=text) for value in (None, b"") for text in texts]
    check(place, messages, settings=(name,))


@pytest.mark.parametrize("place", ["key", "header:id"])
@pytest.mark.parametrize("tombstone", [None, b'{"schema":null,"payload":null}'])
def test_a_tombstone_has_no_id(place: str, tombstone: bytes | None) -> None:
    """Although it has the key, and perhaps the headers, of the event before it."""
    values = [b'{"op":"c","after":{}}', b'{"op":"d","before":{}}', tombstone, tombstone]
    ids = [own(seq).encode() for seq in range(len(values))]
    messages = [
        message(value, ("id", text), key=text) for value, text in zip(values, ids, strict=True)
    ]
    rows = check(place, [*messages, *messages], settings=("debezium",))
    assert [row["kind"] for row in rows] == ["claimed", "claimed", "foreign", "foreign"] * 2


@pytest.mark.parametrize("missing", ["ce_id", "ce_type", "ce_source", "ce_specversion"])
def test_a_header_without_a_value_is_no_missing_header(missing: str) -> None:
    """An attribute of a CloudEvent may be empty, but must be there."""
    headers = {**BINARY, "ce_id": b"7"}
    there = [(name, value) for name, value in headers.items() if name != missing]
    messages = [
        message({"X-Event-Id": own(1)}, *there),
        message({"X-Event-Id": own(1)}, *there, (missing, None)),
        message({"X-Event-Id": own(1)}, *there, (missing, b"1.0")),
    ]
    kinds = [row["kind"] for row in check("field:X-Event-Id", messages, settings=("cloudevents",))]
    assert kinds == ["garbled", "claimed", "claimed"]
    check("field:X-Event-Id", messages[:2] * 2, settings=("cloudevents",))


def test_an_attribute_that_occurs_twice() -> None:
    """It makes no difference to the content whether messages are read together."""
    for name in ("ce_id", "ce_type", "ce_extension"):
        twice = [(name, b"1"), (name, b"2")]
        messages = [
            message({"X-Event-Id": own(seq), "n": 1}, *BINARY.items(), ("ce_id", b"0"), *more)
            for seq, more in enumerate([[], twice, [], twice])
        ]
        check("field:X-Event-Id", messages, [{"n": 1}], ("cloudevents",))


def test_names_of_headers_in_other_scripts() -> None:
    """They are compared without regard to case, as Unicode folds it."""
    text = own(1).encode()
    messages = [message({}, (name, text)) for name in ("Größe", "GRÖSSE", "grösse", "größe", "x")]
    kinds = [row["kind"] for row in check("header:Größe", messages)]
    assert kinds == ["claimed"] * 4 + ["foreign"]


def test_a_spelling_at_a_pointer_is_read_in_each_message() -> None:
    """Although it differs in every message."""
    for place, event in [
        ("json:/X-Event-Id", '{"x_event_id":"%s"}'),
        ("json:/meta/X-Event-Id", '{"meta":{"x_event_id":"%s"}}'),
        ("json:/data/X-Event-Id", '{"data":{"x_event_id":"%s"}}'),
    ]:
        messages = [message((event % own(1000 + seq)).encode()) for seq in range(MANY)]
        for settings in (("json",), ("json", "/data")) if "data" in event else (("json",),):
            rows = check(place, messages, settings=settings)
            assert [row["seq"] for row in rows] == list(range(1000, 1000 + MANY))


def test_an_id_in_a_compared_object() -> None:
    """The id's own field may be asked for, on any level."""
    events = [{"order": {"id": own(seq), "item": {"n": 1}}} for seq in range(20)]
    messages = [message(event) for event in events]
    for asked in (events[0], {"order": {"item": {"n": 1}}}, {"order": 1}):
        check("json:/order/id", messages, [asked])
    inner = [message({"data": event}) for event in events]
    check("json:/data/order/id", inner, [events[0]], ("json", "/data"))


def test_data_in_base64() -> None:
    """It differs in each message, and is compared."""
    envelope = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t"}
    messages = [
        message(
            {**envelope, "data_base64": base64.b64encode(b'{"n":%d}' % (100 + seq)).decode()},
            key=own(seq).encode(),
        )
        for seq in range(MANY)
    ]
    rows = check("key", messages, [{"n": 1}], ("cloudevents",))
    assert len({tuple(row["digests"]) for row in rows}) == MANY


def test_the_type_in_an_envelope() -> None:
    """It may be another for each event."""
    envelope = {"specversion": "1.0", "id": "1", "source": "/s", "data": {"n": 1}}
    events = [{**envelope, "type": f"order-{100 + seq}"} for seq in range(MANY)]
    messages = [message(event, key=own(seq).encode()) for seq, event in enumerate(events)]
    check("key", messages, [{"n": 1}], ("cloudevents",))
    routed = [
        message({"payload": {"n": 1}, "eventType": f"order-{100 + seq}"}, key=own(seq).encode())
        for seq in range(MANY)
    ]
    check("key", routed, [{"n": 1}], ("debezium",))


def test_a_compared_field_with_the_name_of_an_attribute() -> None:
    """The attribute is a header, and differs in each message; so does the field."""
    messages = [
        message(
            {"order": {"id": f"{100 + seq}"}},
            *BINARY.items(),
            ("ce_id", f"{1000 + seq}".encode()),
            key=own(seq).encode(),
        )
        for seq in range(MANY)
    ]
    rows = check("key", messages, [{"order": {"id": "7"}}], ("cloudevents",))
    assert len({tuple(row["digests"]) for row in rows}) == MANY


@pytest.mark.parametrize("place", ["key", "header:id"])
def test_an_id_beside_a_broken_value(place: str) -> None:
    """It garbles the message wherever it is, also where no id is looked for."""
    text = own(1).encode()
    messages = [
        *(message(b"{"), message(b"{", ("other", text)), message(b"{", ("other", b"a"))),
        *(message(b"{", key=text), message(b"{", ("id", text)), message(b"{", ("id", b"a"))),
    ]
    kinds = [row["kind"] for row in check(place, messages)]
    expected = ["malformed", "garbled", "malformed", "garbled", "garbled", "malformed"]
    assert kinds == expected


def test_an_id_in_a_field_that_is_masked() -> None:
    """A message whose ids differ is garbled if it has one of the run in any field."""
    references = [own(10_000 + seq) if seq % 9 else "?" * len(own(10_000)) for seq in range(MANY)]
    events = [f'{{"X-Event-Id":"a","x-event-id":"b","ref":"{text}"}}' for text in references]
    rows = check("field:X-Event-Id", [message(event.encode()) for event in events])
    assert {row["kind"] for row in rows} == {"garbled", "malformed"}


def test_an_id_in_a_header_and_in_the_value() -> None:
    """A pointer leads to the attribute, although the value has a field of that name."""
    for seqs in ([1, 1, 2, 3], [3, 2, 1, 1]):
        messages = [
            message(
                {"ext": own(1 + place)},
                *(*BINARY.items(), ("ce_id", b"0"), ("ce_ext", own(seq).encode())),
            )
            for place, seq in enumerate(seqs)
        ]
        rows = check("json:/ext", messages, settings=("cloudevents",))
        assert [row["seq"] for row in rows] == seqs


def test_an_id_in_base64_and_in_the_envelope() -> None:
    """What counts is in the data."""
    data = base64.b64encode(json.dumps({"X-Event-Id": own(1)}).encode()).decode()
    envelope = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "data_base64": data}
    messages = [message({**envelope, "X-Event-Id": own(seq)}) for seq in (1, 2, 3)]
    rows = check("field:X-Event-Id", messages, settings=("cloudevents",))
    assert [row["seq"] for row in rows] == [1, 1, 1]


def test_a_payload_that_may_be_empty() -> None:
    """Where text is parsed as JSON, texts of one length are not alike."""
    texts = [f"{' ' * seq}{{}}{' ' * (80 - seq)}" for seq in range(80)]
    messages = [message({"payload": text}) for text in [*texts, "x" * 82]]
    check("key", messages, settings=("json", "/payload"))


class BoundedFormat(JsonFormat):
    """JSON with a schema that allows numbers only up to a bound."""

    id_text = IdText.CHECKED_JSON

    def decode(self, record: Record) -> ParsedMessage:
        """Decode a record."""
        parsed = super().decode(record)
        number = (parsed.event or {}).get("n", 0)
        return parsed if isinstance(number, int) and number < 3000 else ParsedMessage(defect="n")


def test_values_that_a_schema_bounds() -> None:
    """Whether a message is valid may depend on a value that differs in each and is not compared."""
    bounded = BoundedFormat(FormatOptions())
    expected = Expected(IDS, parse_location("key"), ASKED, [], message_format=bounded)
    messages = [message({"n": 2900 + seq}, key=own(seq).encode()) for seq in range(MANY + 1)]
    rows = read_together(expected, messages)
    assert [row["kind"] for row in rows] == ["claimed"] * 100 + ["garbled"] * (MANY - 99)


class CountingFormat(RawFormat):
    """Any bytes, as often as they are decoded."""

    def __init__(self) -> None:
        super().__init__(FormatOptions())
        self.decoded = 0

    def decode(self, record: Record) -> ParsedMessage:
        """Decode a record."""
        self.decoded += 1
        return super().decode(record)


@pytest.mark.parametrize("place", ["key", "header:id", "traceparent", "field:id"])
def test_values_from_which_nothing_is_read(place: str) -> None:
    """Only a sample of them is decoded, however different they are."""
    counting = CountingFormat()
    ids = RunIds(TAG, IdForm.TRACE)
    expected = Expected(ids, parse_location(place), {0: MANY}, [], message_format=counting)
    messages = [
        message(
            b"%d: %a" % (seq, ids.text(0, 1)),
            ("id", ids.text(0, seq).encode()),
            ("traceparent", f"00-{ids.text(0, seq)}-0000000000000001-01".encode()),
            key=ids.text(0, seq).encode(),
        )
        for seq in range(MANY)
    ]
    (rows,) = pa.Table.from_pylist(messages, MESSAGES).combine_chunks().to_batches()
    arrivals = Reader(expected).arrivals(rows)
    assert counting.decoded <= 2
    assert len(arrivals["value_hash"].unique()) == MANY
    is_there = place != "field:id"
    assert arrivals["kind"].unique().to_pylist() == ["claimed" if is_there else "foreign"]
    assert arrivals["seq"].to_pylist() == (list(range(MANY)) if is_there else [None] * MANY)
