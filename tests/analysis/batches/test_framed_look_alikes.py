"""Look-alikes in formats with schemas: messages whose bytes are alike where they are not masked."""

import itertools
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest
from headcount_analysis.batches.content import Reader
from headcount_analysis.batches.expected import Expected
from headcount_analysis.formats.avro_format import AvroFormat
from headcount_analysis.formats.catalogue import format_of
from headcount_analysis.formats.json_schema_format import JsonSchemaFormat
from headcount_analysis.formats.protobuf_format import ProtobufFormat
from headcount_analysis.messages.json_message import ParsedMessage
from headcount_analysis.messages.record import Record

from headcount.run.id_form import RunIds
from headcount.run.id_location import parse_location
from headcount.run.message_format import FormatSettings
from tests.analysis.batches.hostile import ASKED, TAG
from tests.analysis.batches.hostile_frames import ID, KINDS, SchemaMessages
from tests.analysis.batches.test_sharing import Rows, read, read_alone, read_together
from tests.analysis.formats.schemas import avro, record_of
from tests.analysis.formats.stub_registry import StubRegistry

IDS = RunIds(TAG)
MANY = 120
"""So many that fields that differ in each message are masked."""

SAMPLED = 64
NUMBERS = itertools.count(5000)


def framed(registry: StubRegistry, schema: object, kind: str = "AVRO") -> bytes:
    """Register a schema, and return the frame of its messages."""
    number = next(NUMBERS)
    registry.has(number, json.dumps(schema), kind)
    return b"\0" + number.to_bytes(4)


def rows(values: Sequence[bytes], **more: object) -> Rows:
    """Make rows of MESSAGES, each with an id as its key."""
    return [
        {"topic": "t", "partition": 0, "offset": seq, "value": value, "headers": []}
        | {"key": IDS.text(0, seq).encode(), **more}
        for seq, value in enumerate(values)
    ]


def check(registry: StubRegistry, messages: Rows, place: str = "key", name: str = "avro") -> Rows:
    """Check that messages are read together as alone, in any order, and return what is read."""
    chosen = format_of(FormatSettings(name, "", registry.url))
    expected = Expected(IDS, parse_location(place), ASKED, ["quantity"], message_format=chosen)
    alone = read_alone(expected, messages)
    assert read_together(expected, messages) == alone
    assert read_together(expected, messages[::-1]) == alone[::-1]
    return alone


def test_a_number_that_is_a_byte_longer(registry: StubRegistry) -> None:
    """What follows it may be the same bytes, which then mean other fields."""
    schema = record_of(at="long", quantity="int", note="string")
    frame = framed(registry, schema)
    short = [{"at": at, "quantity": -18, "note": "\x02y"} for at in range(60)]
    longer = [{"at": at, "quantity": 2, "note": "y"} for at in range(100, 160)]
    pairs = itertools.chain.from_iterable(zip(short, longer, strict=True))
    values = [frame + avro(schema, event) for event in pairs]
    assert len({len(value) for value in values}) == 1
    digests = [row["digests"] for row in check(registry, rows(values))]
    assert digests[0] != digests[1]
    assert digests == digests[:2] * 60


@pytest.mark.parametrize("end", ["#", "9", "x"])
def test_an_id_with_another_character(registry: StubRegistry, end: str) -> None:
    """It is as long as the id of another message, and no id of the run, or another one."""
    schema = record_of(**{ID: "string"}, quantity="int")
    frame = framed(registry, schema)
    events = [{ID: IDS.text(0, 12), "quantity": 1}, {ID: f"{IDS.text(0, 1)}{end}", "quantity": 1}]
    values = [frame + avro(schema, event) for event in events] * 2
    read_rows = check(registry, rows(values, key=None), f"field:{ID}")
    assert [row["seq"] for row in read_rows] == [12, 19 if end == "9" else None] * 2


@pytest.mark.parametrize("name", [*KINDS])
def test_an_id_in_a_field_that_differs(registry: StubRegistry, name: str) -> None:
    """It is found before the message's own id, or is equal to it."""
    frames = SchemaMessages(name, next(NUMBERS), {"ref": "text", "quantity": "int"})
    registry.has(frames.number, frames.schema, frames.kind)
    write = frames.writer()
    events: list[Mapping[str, Any]] = []
    for seq in range(MANY):
        own, other = IDS.text(0, 1000 + seq % 2), IDS.text(0, 2000 + seq)
        events += [{ID: own, "ref": own, "quantity": 1}, {ID: own, "ref": other, "quantity": 1}]
        events += [{"ref": own, ID: own, "quantity": 1}, {"ref": other, ID: own, "quantity": 1}]
    values = [write(event) for event in events]
    read_rows = check(registry, rows(values, key=None), f"field:{ID}", name)
    assert {row["seq"] for row in read_rows} == {1000, 1001}


def test_an_id_in_a_field_before_the_id(registry: StubRegistry) -> None:
    """Where the field is masked, only the message's own id is left."""
    schema = record_of(at="long", ref="string", **{ID: "string"})
    frame = framed(registry, schema)
    references = [IDS.text(0, 1000 + seq) for seq in range(MANY)]
    events = [
        {"at": 10**9 + seq, "ref": ref, ID: references[0]} for seq, ref in enumerate(references)
    ]
    values = [frame + avro(schema, event) for event in events]
    read_rows = check(registry, rows(values, key=None), f"field:{ID}")
    assert {row["seq"] for row in read_rows} == {1000}


def test_a_text_that_is_not_utf_8(registry: StubRegistry) -> None:
    """A message is malformed for a byte in a field that is not compared."""
    schema = record_of(quantity="int", note="string")
    frame = framed(registry, schema)
    notes = [f"{10_000_000 + seq}" for seq in range(MANY)]
    values = [frame + avro(schema, {"quantity": 1, "note": note}) for note in notes]
    values[7::10] = [value[:-1] + b"\xff" for value in values[7::10]]
    kinds = [row["kind"] for row in check(registry, rows(values))]
    assert [place for place, kind in enumerate(kinds) if kind == "garbled"] == [*range(7, MANY, 10)]


def test_a_decimal_with_too_many_digits(registry: StubRegistry) -> None:
    """It is rounded, not invalid."""
    price = {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}
    plain = record_of(quantity="int", price="bytes")
    frame = framed(registry, record_of(quantity="int", price=price))
    prices = [(seq * 97 % 9000 if seq % 5 else 30_000).to_bytes(2) for seq in range(MANY)]
    values = [frame + avro(plain, {"quantity": 1, "price": price}) for price in prices]
    assert {row["kind"] for row in check(registry, rows(values))} == {"claimed"}


def test_a_field_of_another_type_in_another_schema(registry: StubRegistry) -> None:
    """A schema may be another version of the one before."""
    schemas = [record_of(quantity="int", at=type_) for type_ in ("long", "string", "double")]
    frames = [framed(registry, schema) for schema in schemas]
    values = []
    for seq in range(MANY):
        for schema, frame, at in zip(
            schemas, frames, (10**9 + seq, f"{seq:05}", 0.5 * seq), strict=True
        ):
            values.append(frame + avro(schema, {"quantity": seq % 2, "at": at}))
    digests = [row["digests"] for row in check(registry, rows(values))]
    assert len({tuple(digest) for digest in digests}) == 2


def test_a_schema_that_a_header_names(registry: StubRegistry) -> None:
    """The frame is then a part of the content, although it names another schema."""
    schema = record_of(at="long", quantity="int")
    frame_type = {"type": "fixed", "name": "Frame", "size": 5}
    other = record_of(frame=frame_type, quantity="boolean", rest="int")
    frame, in_header = framed(registry, schema), framed(registry, other)
    # One byte, which is false only if it is zero.
    values = [frame + avro(schema, {"at": 31 - seq % 64, "quantity": 5}) for seq in range(2 * MANY)]
    messages = rows(values)
    for row in messages[1::2] + messages[-2::-4]:
        row["headers"] = [{"key": "__value_schema_id", "value": in_header}]
    read_rows = check(registry, messages)
    assert len({tuple(row["digests"]) for row in read_rows}) == 3


@pytest.mark.parametrize(
    ("rule", "numbers"),
    [
        ({"type": "integer", "maximum": 150}, [f"{100 + seq}" for seq in range(MANY)]),
        ({"type": "integer"}, [f"{1000 + seq}.{seq % 3}" for seq in range(MANY)]),
        ({"type": ["integer", "null"]}, [f"{1000 + seq}.{seq % 3}" for seq in range(MANY)]),
        ({"enum": [*range(100, 150)]}, [f"{100 + seq}" for seq in range(MANY)]),
        ({"$ref": "#/properties/quantity"}, [f"{100 + seq}" for seq in range(MANY)]),
        ({"not": {"minimum": 150}}, [f"{100 + seq}" for seq in range(MANY)]),
    ],
)
def test_a_rule_of_a_json_schema(
    registry: StubRegistry, rule: Mapping[str, object], numbers: Sequence[str]
) -> None:
    """Whether a message is valid may depend on a value that differs in each and is not compared."""
    quantity = {"type": "integer", "minimum": 1, "maximum": 150}
    schema = {"type": "object", "properties": {"at": rule, "quantity": quantity}}
    frame = framed(registry, schema, "JSON")
    values = [frame + f'{{"quantity":1,"at":{number}}}'.encode() for number in numbers]
    kinds = [row["kind"] for row in check(registry, rows(values), name="json-schema")]
    assert {*kinds} == {"claimed", "garbled"}


@pytest.mark.parametrize(
    "rule",
    [
        {"if": {"properties": {"at": {"minimum": 150}}}, "then": {"required": ["note"]}},
        {"allOf": [{"properties": {"at": {"maximum": 150}}}]},
        {"patternProperties": {"^a": {"maximum": 150}}},
        {"enum": [{"quantity": 1, "at": at} for at in range(100, 150)]},
    ],
)
def test_a_rule_for_the_whole_message(registry: StubRegistry, rule: Mapping[str, object]) -> None:
    """It may look into any field."""
    properties = {"at": {"type": "integer"}, "quantity": {"type": "integer"}}
    frame = framed(registry, {"properties": properties, **rule}, "JSON")
    values = [frame + f'{{"quantity": 1, "at": {100 + seq}}}'.encode() for seq in range(MANY)]
    kinds = [row["kind"] for row in check(registry, rows(values), name="json-schema")]
    assert {*kinds} == {"claimed", "garbled"}


FORMATS = {"avro": AvroFormat, "protobuf": ProtobufFormat, "json-schema": JsonSchemaFormat}
MASKED = {
    "avro": [
        "long",
        "double",
        "float",
        "text",
        "bytes",
        "optional",
        "optional text",
        "fixed",
        "decimal",
    ],
    "protobuf": ["long", "int", "double", "float", "text", "bytes"],
    "json-schema": ["long", "double", "text", "optional"],
}
"""The kinds of fields that may differ in each message and need not be decoded."""

DIFFERENT: Mapping[str, Any] = {
    "double": lambda seq: 1000.5 + seq,
    "float": lambda seq: 1000.5 + seq,
    "text": lambda seq: f"order-{1000 + seq}",
    "optional text": lambda seq: f"order-{1000 + seq}",
    "bytes": lambda seq: (10**9 + seq).to_bytes(8),
    "decimal": lambda seq: Decimal(1000 + seq) / 100,
    "fixed": lambda seq: (10**9 + seq).to_bytes(8),
}


@pytest.mark.parametrize(
    ("name", "kind"), [(name, kind) for name, kinds in MASKED.items() for kind in kinds]
)
@pytest.mark.parametrize("place", ["field:x_event_id", "key"])
def test_fields_that_differ_in_each_message_are_not_decoded(
    registry: StubRegistry, monkeypatch: pytest.MonkeyPatch, name: str, kind: str, place: str
) -> None:
    """Except in a sample, however many fields of other kinds are around them."""
    around = {"list": "list", "quantity": "int"}
    frames = SchemaMessages(name, next(NUMBERS), {**around, "at": kind, "note": "text"})
    registry.has(frames.number, frames.schema, frames.kind)
    write, decoded = frames.writer(), 0
    decode = FORMATS[name].decode

    def counted(self: Any, record: Record) -> ParsedMessage:
        nonlocal decoded
        decoded += 1
        return decode(self, record)

    monkeypatch.setattr(FORMATS[name], "decode", counted)
    different = DIFFERENT.get(kind, lambda seq: 10**12 + seq if kind != "int" else 10**6 + seq)
    values = [
        write(
            {ID: IDS.text(0, 1000 + seq % 9000), "list": ["a"], "quantity": seq % 7}
            | {"at": different(seq), "note": "n"}
        )
        for seq in range(1000)
    ]
    message_format = format_of(FormatSettings(name, "", registry.url))
    expected = Expected(
        IDS, parse_location(place), ASKED, ["quantity"], message_format=message_format
    )
    reader = Reader(expected)
    arrivals = read(reader, rows(values))
    assert {row["kind"] for row in arrivals} == {"claimed"}
    assert len({tuple(row["digests"]) for row in arrivals}) == 7
    # Of messages that are alike, one is read, and a variant, which proves that one is enough.
    assert decoded <= SAMPLED + 2 * 7 + 2
    assert read(reader, rows(values)) == arrivals
    assert decoded <= SAMPLED + 2 * 7 + 2
