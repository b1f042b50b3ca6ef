"""Avro: every type as the JSON value that docs/formats.md declares."""

import datetime as dt
import math
import uuid
from decimal import Decimal
from typing import Any

import pytest
from headcount_analysis.messages.json_message import ParsedMessage
from headcount_analysis.messages.kinds import EVENT_TYPE_FIELD

from headcount.ledger.event_digest import describe, digests_over
from tests.analysis.formats.schemas import avro, read_avro, record_of

NOON = dt.datetime(2026, 11, 30, 12, 0, 0, 123456, tzinfo=dt.UTC)
KEY = uuid.UUID("0190b2a4-7c3e-8f00-9123-456789abcdef")


def logical(kind: str, name: str, **more: Any) -> dict[str, Any]:
    """Make a logical type."""
    return {"type": kind, "logicalType": name, **more}


@pytest.mark.parametrize(
    ("type_", "value", "expected"),
    [
        ("null", None, None),
        ("boolean", True, True),
        ("int", -3, -3),
        ("long", 2**53 + 1, 2**53 + 1),
        ("float", 0.1, 0.1),
        ("double", 0.1, 0.1),
        ("string", "ü", "ü"),
        ("bytes", b"\xff\x00", "/wA="),
        ({"type": "fixed", "name": "F", "size": 2}, b"\xff\x00", "/wA="),
        ({"type": "enum", "name": "E", "symbols": ["SWORD", "GUILD"]}, "GUILD", "GUILD"),
        ({"type": "array", "items": "float"}, [0.1], [0.1]),
        ({"type": "map", "values": "bytes"}, {"a": b"\x01"}, {"a": "AQ=="}),
        (["null", "string"], None, None),
        (["null", "string"], "a", "a"),
        (["null", "bytes", "int"], b"\x01", "AQ=="),
        (logical("bytes", "decimal", precision=9, scale=2), Decimal("-12.50"), Decimal("-12.50")),
        (
            {**logical("fixed", "decimal", precision=9, scale=2), "name": "D", "size": 4},
            Decimal("12.50"),
            Decimal("12.50"),
        ),
        (logical("long", "timestamp-millis"), NOON, 1796040000123),
        (logical("long", "timestamp-micros"), NOON, 1796040000123456),
        (logical("long", "timestamp-nanos"), 1796040000123456789, 1796040000123456789),
        (logical("long", "local-timestamp-millis"), 1796040000123, 1796040000123),
        (logical("int", "date"), dt.date(1970, 1, 11), 10),
        (logical("int", "time-millis"), dt.time(0, 0, 1), 1000),
        (logical("long", "time-micros"), dt.time(0, 0, 1), 1_000_000),
        (logical("string", "uuid"), KEY, str(KEY)),
        ({**logical("fixed", "uuid"), "name": "U", "size": 16}, KEY.bytes, str(KEY)),
        ({**logical("fixed", "duration"), "name": "P", "size": 12}, bytes(12), "A" * 16),
        (logical("string", "unheard-of"), "a", "a"),
    ],
)
def test_each_type_is_a_json_value(type_: Any, value: object, expected: object) -> None:
    """Numbers of time units, base64, names, and exact decimals: the declared rules."""
    schema = record_of(a=type_)
    parsed = read_avro(schema, avro(schema, {"a": value}))
    assert parsed.event == {"a": expected}, parsed.defect
    assert type(parsed.event["a"]) is type(expected)


def test_a_type_within_a_type_is_the_inner_one() -> None:
    """Schema generators write such types, although fastavro itself does not read them."""
    content = avro(record_of(a="float", b=["null", "int"]), {"a": 0.1, "b": 1})
    nested = record_of(a={"type": {"type": "float"}}, b={"type": ["null", "int"]})
    assert read_avro(nested, content).event == {"a": 0.1, "b": 1}


def test_named_types_are_converted_wherever_they_are_used_again() -> None:
    """A name stands for the type with its rule, in other records too."""
    fixed = {"type": "fixed", "name": "F", "size": 1}
    inner = {"type": "record", "name": "Inner", "fields": [{"name": "f", "type": "F"}]}
    schema = record_of(a=fixed, b="F", c=inner, d=["null", "Inner"])
    event = {"a": b"a", "b": b"b", "c": {"f": b"c"}, "d": {"f": b"d"}}
    expected = {"a": "YQ==", "b": "Yg==", "c": {"f": "Yw=="}, "d": {"f": "ZA=="}}
    assert read_avro(schema, avro(schema, event)).event == expected


def test_a_record_within_itself_is_read() -> None:
    """A list of linked records has the depth that it has."""
    schema = record_of(n="float", next=["null", "Order"])
    event = {"n": 0.1, "next": {"n": 0.2, "next": None}}
    assert read_avro(schema, avro(schema, event)).event == event


def test_a_field_with_a_default_that_came_later_is_an_extra_field() -> None:
    """A schema evolves while the run goes on: old and new messages match the same request."""
    asked = describe({EVENT_TYPE_FIELD: "sold", "quantity": 3})
    old = record_of(event_type="string", quantity="int")
    new = record_of(event_type="string", quantity="long")
    new["fields"].append({"name": "coupon", "type": "string", "default": "none"})
    event = {"event_type": "sold", "quantity": 3}
    for schema, written in ((old, event), (new, {**event, "coupon": "x"})):
        parsed = read_avro(schema, avro(schema, written))
        assert parsed.event is not None
        assert digests_over(parsed.event, [asked.shape]) == [asked.digest]


@pytest.mark.parametrize("number", [math.nan, math.inf])
@pytest.mark.parametrize("type_", ["float", "double"])
def test_a_number_that_json_lacks_equals_no_request(type_: str, number: float) -> None:
    """The message can be read, but a request for this field never matches; for others it does."""
    schema = record_of(a=type_, b="int")
    parsed = read_avro(schema, avro(schema, {"a": number, "b": 1}))
    assert parsed.event is not None
    assert digests_over(parsed.event, ["a"]) == []
    assert digests_over(parsed.event, ["b"]) == [describe({"b": 1}).digest]


@pytest.mark.parametrize(
    ("content", "defect"),
    [
        (b"\x06abc\x02\x00", "Avro with trailing bytes"),
        (b"\x06ab", "not valid Avro for its schema"),
        (b"\x06ab\xff\x02", "not valid Avro for its schema"),
        (b"", "not valid Avro for its schema"),
    ],
)
def test_bytes_that_the_schema_does_not_describe_have_a_defect(content: bytes, defect: str) -> None:
    """Bytes too few, too many, or not UTF-8."""
    parsed = read_avro(record_of(a="string", b="int"), content)
    assert parsed == ParsedMessage(defect=defect)


def test_a_message_that_is_no_record_has_a_defect() -> None:
    """Only an object can be compared."""
    assert read_avro("string", b"\x02a").defect == "Avro, but not a record"
