"""Protobuf: every type as the JSON value that docs/formats.md declares."""

import base64
import io
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from confluent_kafka.schema_registry.confluent.type.decimal_pb2 import (  # type: ignore[attr-defined]
    Decimal as ConfluentDecimal,
)
from google.protobuf import any_pb2, duration_pb2, struct_pb2, timestamp_pb2, wrappers_pb2
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from google.type import money_pb2
from headcount_analysis.formats.framed_format import Payload, UnusableSchemaError
from headcount_analysis.formats.protobuf_format import ProtobufFormat
from headcount_analysis.formats.protobuf_schema import load_schema
from headcount_analysis.messages.json_message import ParsedMessage

from headcount.ledger.event_digest import digests_over
from tests.analysis.formats.schemas import OPTIONS, add_field, named

Field = FieldDescriptorProto
Change = Callable[[Any], None]


def file_of(*kinds: tuple[int, str], imports: tuple[str, ...] = ()) -> FileDescriptorProto:
    """Make a file with an enum and two messages; the second has a field of each kind: a, b, …."""
    file = FileDescriptorProto(name="order.proto", package="shop", syntax="proto3")
    file.dependency.extend(imports)
    kind = file.enum_type.add(name="Kind")
    kind.value.add(name="SWORD", number=0)
    kind.value.add(name="GUILD", number=1)
    line = file.message_type.add(name="Line")
    add_field(line, "item_id", 1, Field.TYPE_STRING)
    order = file.message_type.add(name="Order")
    for number, (type_, name) in enumerate(kinds, 1):
        add_field(order, chr(ord("a") + number - 1), number, type_, name)
    return file


def message_class(file: FileDescriptorProto, name: str = "shop.Order") -> Any:
    """Make a class of messages, in a pool of its own."""
    text = base64.b64encode(file.SerializeToString()).decode()
    pool: DescriptorPool = load_schema(named(text, "PROTOBUF")).pool
    return GetMessageClass(pool.FindMessageTypeByName(name))


def read(file: FileDescriptorProto, content: bytes, path: tuple[int, ...] = (1,)) -> ParsedMessage:
    """Read a payload."""
    text = base64.b64encode(file.SerializeToString()).decode()
    return (
        ProtobufFormat(OPTIONS)
        .reader_of(named(text, "PROTOBUF"))
        .read(Payload(io.BytesIO(content), path))
    )


def changed(file: FileDescriptorProto, change: Change) -> ParsedMessage:
    """Read a message that a function has filled."""
    message = message_class(file)()
    change(message)
    return read(file, message.SerializeToString())


@pytest.mark.parametrize(
    ("type_", "value", "expected", "default"),
    [
        (Field.TYPE_STRING, "ü", "ü", ""),
        (Field.TYPE_BOOL, True, True, False),
        (Field.TYPE_INT32, -3, -3, 0),
        (Field.TYPE_INT64, -(2**53) - 1, -(2**53) - 1, 0),
        (Field.TYPE_UINT64, 2**64 - 1, 2**64 - 1, 0),
        (Field.TYPE_SFIXED64, -1, -1, 0),
        (Field.TYPE_FLOAT, 0.1, 0.1, 0.0),
        (Field.TYPE_DOUBLE, 0.1, 0.1, 0.0),
        (Field.TYPE_BYTES, b"\xff\x00", "/wA=", ""),
    ],
)
def test_scalars_are_json_values_and_defaults_are_there(
    type_: int, value: object, expected: object, default: object
) -> None:
    """64-bit integers are numbers; a field without presence that is not written has its default."""
    file = file_of((type_, ""))
    assert changed(file, lambda message: setattr(message, "a", value)).event == {"a": expected}
    assert read(file, b"").event == {"a": default}


def test_enums_are_names_and_unknown_ones_numbers() -> None:
    """A value that came with a later schema is still a value."""
    file = file_of((Field.TYPE_ENUM, ".shop.Kind"))
    assert changed(file, lambda message: setattr(message, "a", 1)).event == {"a": "GUILD"}
    assert read(file, b"\x08\x07").event == {"a": 7}


def test_fields_with_presence_are_missing_if_they_are_not_set() -> None:
    """Messages, `optional` fields and those of a oneof; names are those of the schema."""
    file = file_of((Field.TYPE_MESSAGE, ".shop.Line"), (Field.TYPE_INT32, ""))
    order = file.message_type[1]
    order.oneof_decl.add(name="choice")
    for number, name in enumerate(("c", "d"), 3):
        add_field(order, name, number, Field.TYPE_STRING, oneof_index=0)
    order.oneof_decl.add(name="_e")
    add_field(order, "e", 5, Field.TYPE_INT32, oneof_index=1, proto3_optional=True)

    def fill(message: Any) -> None:
        message.a.item_id = "sword"
        message.c, message.e = "", 0

    assert read(file, b"").event == {"b": 0}
    assert changed(file, fill).event == {"a": {"item_id": "sword"}, "b": 0, "c": "", "e": 0}


def test_lists_and_maps_are_lists_and_objects() -> None:
    """Each value by its own rule; keys are texts."""
    file = file_of((Field.TYPE_BYTES, ""), (Field.TYPE_MESSAGE, ".shop.Line"))
    order = file.message_type[1]
    for field in order.field:
        field.label = Field.LABEL_REPEATED
    for number, (name, key, value) in enumerate(
        (
            ("flags", Field.TYPE_BOOL, Field.TYPE_FLOAT),
            ("counts", Field.TYPE_INT64, Field.TYPE_INT64),
        ),
        3,
    ):
        entry = order.nested_type.add(name=f"{name.capitalize()}Entry")
        entry.options.map_entry = True
        add_field(entry, "key", 1, key)
        add_field(entry, "value", 2, value)
        path = f".shop.Order.{entry.name}"
        add_field(order, name, number, Field.TYPE_MESSAGE, path).label = Field.LABEL_REPEATED

    def fill(message: Any) -> None:
        message.a.extend([b"\x01", b""])
        message.b.add(item_id="x")
        message.flags[True] = 0.1
        message.counts[-1] = 2**60

    assert changed(file, fill).event == {
        "a": ["AQ==", ""],
        "b": [{"item_id": "x"}],
        "flags": {"true": 0.1},
        "counts": {"-1": 2**60},
    }
    assert read(file, b"").event == {"a": [], "b": [], "flags": {}, "counts": {}}


def _any() -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(timestamp_pb2.Timestamp(seconds=1))
    return packed


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (timestamp_pb2.Timestamp(seconds=1, nanos=500_000_000), "1970-01-01T00:00:01.500Z"),
        (duration_pb2.Duration(seconds=3), "3s"),
        (struct_pb2.Struct(fields={"n": struct_pb2.Value(number_value=3)}), {"n": 3}),
        (wrappers_pb2.Int64Value(value=2**60), 2**60),
        (wrappers_pb2.BytesValue(value=b"\x01"), "AQ=="),
        (wrappers_pb2.StringValue(value=""), ""),
        (
            money_pb2.Money(currency_code="EUR", units=3),
            {"currency_code": "EUR", "units": 3, "nanos": 0},
        ),
        (ConfluentDecimal(value=b"\xfb\x1e", precision=4, scale=2), Decimal("-12.50")),
        (
            _any(),
            {
                "@type": "type.googleapis.com/google.protobuf.Timestamp",
                "value": "1970-01-01T00:00:01Z",
            },
        ),
        (any_pb2.Any(type_url="x/y.Z", value=b"\x01"), {"@type": "x/y.Z", "value": "AQ=="}),
    ],
)
def test_well_known_types_have_their_json_form(value: Any, expected: object) -> None:
    """Those of Protobuf's JSON mapping; wrappers and Confluent's decimal are plain numbers."""
    descriptor = value.DESCRIPTOR
    file = file_of(
        (Field.TYPE_MESSAGE, f".{descriptor.full_name}"), imports=(descriptor.file.name,)
    )
    if descriptor.full_name == "google.protobuf.Any":
        file.dependency.append("google/protobuf/timestamp.proto")
    assert changed(
        file, lambda message: message.a.ParseFromString(value.SerializeToString())
    ).event == {"a": expected}


def test_a_number_that_json_lacks_equals_no_request() -> None:
    """As in Avro: the message can be read, but the field matches nothing."""
    parsed = changed(
        file_of((Field.TYPE_DOUBLE, "")), lambda message: setattr(message, "a", math.nan)
    )
    assert parsed.event is not None
    assert digests_over(parsed.event, ["a"]) == []


def test_the_index_in_the_frame_chooses_the_message() -> None:
    """The first message, the second, one within another, and one that is not there."""
    file = file_of((Field.TYPE_STRING, ""))
    inner = file.message_type[1].nested_type.add(name="Inner")
    add_field(inner, "z", 1, Field.TYPE_STRING)
    content = b"\x0a\x01x"
    assert read(file, content, (0,)).event == {"item_id": "x"}
    assert read(file, content, (1,)).event == {"a": "x"}
    assert read(file, content, (1, 0)).event == {"z": "x"}
    assert read(file, content, (2,)).defect == "no message type at index 2 of its schema"
    assert read(file, content, (1, -1)).defect == "no message type at index 1/-1 of its schema"


@pytest.mark.parametrize("content", [b"\x0a\x05x", b"\x0a\x01\xff", b"\xff"])
def test_bytes_that_are_not_protobuf_have_a_defect(content: bytes) -> None:
    """Cut off, not UTF-8, or no field at all."""
    assert (
        read(file_of((Field.TYPE_STRING, "")), content).defect
        == "not valid Protobuf for its schema"
    )


def test_a_time_that_has_no_text_is_a_defect() -> None:
    """Protobuf can hold years that ISO 8601 does not write."""
    name = "google/protobuf/timestamp.proto"
    file = file_of((Field.TYPE_MESSAGE, ".google.protobuf.Timestamp"), imports=(name,))
    parsed = changed(file, lambda message: setattr(message.a, "seconds", 2**60))
    assert parsed.defect == "not valid Protobuf for its schema"


def test_an_import_that_nobody_has_is_named() -> None:
    """The schema cannot be used: no message proves anything."""
    file = file_of((Field.TYPE_STRING, ""), imports=("shop/other.proto",))
    with pytest.raises(UnusableSchemaError, match=r"shop/other\.proto, which it imports"):
        read(file, b"")
