"""A real registry: what Confluent's serializers write with it is read with it."""

import datetime as dt
import json
import uuid
from decimal import Decimal
from typing import Any

import pytest
from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.type import money_pb2
from headcount_analysis.formats.catalogue import format_of

from headcount.run.message_format import FormatSettings
from tests.analysis.formats.records import record
from tests.analysis.formats.schemas import avro, record_of

PROTO = """\
syntax = "proto3";
package shop;
import "shop/item.proto";
import "google/protobuf/timestamp.proto";
message Header { string id = 1; }
message Order {
  string id = 1;
  int64 quantity = 2;
  shop.Item item = 3;
  google.protobuf.Timestamp at = 4;
  message Line { string text = 1; }
}
"""
ITEM_PROTO = 'syntax = "proto3";\npackage shop;\nmessage Item { string name = 1; }\n'


@pytest.fixture
def subject() -> str:
    """A subject of the test's own."""
    return f"orders-{uuid.uuid4().hex[:8]}-value"


@pytest.fixture
def client(registry: str) -> Any:
    """A client of the registry, as a service has one."""
    with SchemaRegistryClient({"url": registry}) as client:
        yield client


def context(subject: str) -> SerializationContext:
    """Return what a serializer needs to know."""
    return SerializationContext(subject.removesuffix("-value"), MessageField.VALUE)


def decoded(name: str, registry: str, value: bytes) -> Any:
    """Decode a value with a format."""
    return format_of(FormatSettings(name, "", registry)).decode(record(value))


def test_avro_is_read_as_it_was_written(registry: str, client: Any, subject: str) -> None:
    """Confluent's serializer writes decimals and times, and the schema's number."""
    schema = record_of(
        id="string",
        price={"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2},
        at={"type": "long", "logicalType": "timestamp-millis"},
    )
    at = dt.datetime(2026, 11, 30, tzinfo=dt.UTC)
    serialize = AvroSerializer(client, json.dumps(schema))
    value = serialize({"id": "r.0.1", "price": Decimal("12.50"), "at": at}, context(subject))
    parsed = decoded("avro", registry, value)
    expected = {"id": "r.0.1", "price": Decimal("12.50"), "at": 1795996800000}
    assert (parsed.event, parsed.defect) == (expected, None)


def test_an_avro_schema_may_refer_to_others(registry: str, client: Any, subject: str) -> None:
    """References are looked up to any depth."""
    inner = record_of(q="int") | {"name": "Inner"}
    middle = record_of(inner="shop.Inner") | {"name": "Middle"}
    outer = record_of(middle="shop.Middle", again="shop.Inner")
    number, references = 0, list[SchemaReference]()
    for schema in (inner, middle, outer):
        name = f"shop.{schema['name']}"
        number = client.register_schema(
            f"{subject}-{name}", Schema(json.dumps(schema), "AVRO", references[-1:])
        )
        references.append(SchemaReference(name, f"{subject}-{name}", 1))
    flat = record_of(middle=record_of(inner=inner) | {"name": "Middle"}, again="shop.Inner")
    event = {"middle": {"inner": {"q": 3}}, "again": {"q": 4}}
    value = b"\x00" + number.to_bytes(4) + avro(flat, event)
    parsed = decoded("avro", registry, value)
    assert (parsed.event, parsed.defect) == (event, None)


def test_a_schema_evolves_while_messages_arrive(registry: str, client: Any, subject: str) -> None:
    """Each message is read with the schema that it was written with; new fields are extra."""
    old, new = record_of(id="string"), record_of(id="string")
    new["fields"].append({"name": "coupon", "type": "string", "default": "none"})
    values = [
        AvroSerializer(client, json.dumps(schema))(event, context(subject))
        for schema, event in ((old, {"id": "1"}), (new, {"id": "2", "coupon": "x"}))
    ]
    events = [decoded("avro", registry, value).event for value in (*values, values[0])]
    assert events == [{"id": "1"}, {"id": "2", "coupon": "x"}, {"id": "1"}]


def test_protobuf_is_read_as_it_was_written(registry: str, client: Any, subject: str) -> None:
    """Confluent's serializer registers descriptors, and those of what they import."""
    serialize = ProtobufSerializer(money_pb2.Money, client)
    value = serialize(money_pb2.Money(currency_code="EUR", units=2**60), context(subject))
    parsed = decoded("protobuf", registry, value)
    expected = {"currency_code": "EUR", "units": 2**60, "nanos": 0}
    assert (parsed.event, parsed.defect) == (expected, None)


def test_a_protobuf_schema_may_be_text(registry: str, client: Any, subject: str) -> None:
    """Java's and Go's serializers register text; imports and nested messages are found."""
    item = f"{subject}-item"
    client.register_schema(item, Schema(ITEM_PROTO, "PROTOBUF"))
    references = [SchemaReference("shop/item.proto", item, 1)]
    number = client.register_schema(subject, Schema(PROTO, "PROTOBUF", references))
    frame = b"\x00" + number.to_bytes(4)
    order = b"\x0a\x05r.0.1\x10\x03\x1a\x07\x0a\x05sword\x22\x02\x08\x01"
    parsed = decoded("protobuf", registry, frame + b"\x02\x02" + order)
    assert (parsed.event, parsed.defect) == (
        {"id": "r.0.1", "quantity": 3, "item": {"name": "sword"}, "at": "1970-01-01T00:00:01Z"},
        None,
    )
    nested = decoded("protobuf", registry, frame + b"\x04\x02\x00" + b"\x0a\x01x")
    assert (nested.event, nested.defect) == ({"text": "x"}, None)


def test_json_with_a_schema_is_read_and_validated(registry: str, client: Any, subject: str) -> None:
    """Numbers keep their value; what breaks the schema is named by place and rule."""
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Order",
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "lines": {"type": "array", "items": {"properties": {"n": {"minimum": 1}}}},
            "price": {"type": "number", "multipleOf": 0.01},
        },
        "required": ["id"],
    }
    event = {"id": "r.0.1", "lines": [{"n": 1}], "price": 12.5}
    serialize = JSONSerializer(json.dumps(schema), client)
    value = serialize(event, context(subject))
    parsed = decoded("json-schema", registry, value)
    assert (parsed.event, parsed.defect) == (event | {"price": Decimal("12.5")}, None)
    frame, number = value[:5], int.from_bytes(value[1:5])
    for broken, defect in (
        (b'{"id": "a", "lines": [{"n": 0}]}', "/lines/0/n breaks `minimum` of its schema"),
        (b"{}", "the message breaks `required` of its schema"),
        (b'{"id": 3}', "id breaks `type` of its schema"),
        (b"[", "truncated JSON"),
    ):
        parsed = decoded("json-schema", registry, frame + broken)
        assert (parsed.event, parsed.defect) == (None, f"{defect}, schema {number}")


def test_a_json_schema_may_refer_to_another(registry: str, client: Any, subject: str) -> None:
    """By the name of the reference."""
    item = {"type": "object", "properties": {"name": {"type": "string"}}}
    client.register_schema(f"{subject}-item", Schema(json.dumps(item), "JSON"))
    outer = {"type": "object", "properties": {"item": {"$ref": "item.json"}}}
    references = [SchemaReference("item.json", f"{subject}-item", 1)]
    number = client.register_schema(subject, Schema(json.dumps(outer), "JSON", references))
    frame = b"\x00" + number.to_bytes(4)
    assert decoded("json-schema", registry, frame + b'{"item": {"name": "a"}}').defect is None
    parsed = decoded("json-schema", registry, frame + b'{"item": {"name": 3}}')
    assert parsed.defect == f"/item/name breaks `type` of its schema, schema {number}"


@pytest.mark.parametrize("name", ["avro", "protobuf", "json-schema"])
def test_the_real_registry_s_word_for_an_unknown_schema_is_understood(
    registry: str, name: str
) -> None:
    """A number that was never given out is a defect of the message."""
    parsed = decoded(name, registry, b"\x00\x00\x0f\x42\x40\x00")
    assert parsed.defect == "not in the registry, schema 1000000"
