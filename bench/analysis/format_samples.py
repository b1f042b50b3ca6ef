"""The same events in every format, for benchmarks: their bytes, and a bare decoder for them.

A service adds a price and a time to what was asked for.
"""

import base64
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import fastavro
import orjson
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from headcount.run.id_form import RunIds

IDS = RunIds("8tq0zk3f5m")
ID_FIELD = "x_event_id"
COMPARED = {
    "event_type": "string",
    "player_id": "string",
    "metal": "string",
    "quantity": "int",
    "order": "string",
}
"""The fields that were asked for, with their Avro types."""

_TYPES = {ID_FIELD: "string", **COMPARED, "price": "double", "at": "long"}
_PROTOBUF_TYPES = {
    "string": FieldDescriptorProto.TYPE_STRING,
    "int": FieldDescriptorProto.TYPE_INT32,
    "double": FieldDescriptorProto.TYPE_DOUBLE,
    "long": FieldDescriptorProto.TYPE_INT64,
}
_START_MS = 1_796_040_000_000
_METALS = ("iron", "bronze", "silver", "gold")

SampleEvent = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FormatSample:
    """Events in one format, and a decoder for the part of a value after its frame.

    `schema` is the kind and the text of their schema, if they have one.
    """

    title: str
    name: str
    values: Sequence[bytes]
    bare: Callable[[bytes], object]
    headers: tuple[tuple[str, bytes | None], ...] = ()
    schema: tuple[str, str] | None = None
    frame: bytes = b""


def format_samples(count: int, orders: int, times: int) -> list[FormatSample]:
    """Write events in every format, with these numbers of different orders and times.

    A schema's number is the place of its sample.
    """
    contents = list(_contents(orders))
    events = [
        {ID_FIELD: IDS.text(0, seq), **contents[seq % orders], "at": _START_MS + seq % times}
        for seq in range(count)
    ]
    written = [orjson.dumps(event) for event in events]
    attributes = {"specversion": "1.0", "id": "1", "source": "/bench", "type": "purchase"}
    headers = tuple((f"ce_{name}", text.encode()) for name, text in attributes.items())
    structured = [orjson.dumps({**attributes, "data": event}) for event in events]
    changes = [orjson.dumps({"before": None, "after": event, "op": "c"}) for event in events]
    return [
        FormatSample("json", "json", written, orjson.loads),
        FormatSample("cloudevents, structured", "cloudevents", structured, orjson.loads),
        FormatSample("cloudevents, binary", "cloudevents", written, orjson.loads, headers),
        FormatSample("debezium", "debezium", changes, orjson.loads),
        _avro(events, 4),
        _protobuf(events, 5),
        _json_schema(written, 6),
    ]


def _contents(count: int) -> Iterator[SampleEvent]:
    random = Random(7)  # noqa: S311 - traffic
    for seq in range(count):
        yield {
            "event_type": "purchase_sword",
            "player_id": f"player-{random.randrange(100)}",
            "metal": random.choice(_METALS),
            "quantity": random.randrange(1, 10),
            "order": f"order-{seq}",
            "price": random.randrange(10_000) / 100,
        }


def _frame(number: int) -> bytes:
    return b"\0" + number.to_bytes(4)


def _avro(events: Sequence[SampleEvent], number: int) -> FormatSample:
    fields = [{"name": name, "type": type_} for name, type_ in _TYPES.items()]
    definition = {"type": "record", "name": "Purchase", "fields": fields}
    schema = fastavro.parse_schema(definition)
    values = []
    for event in events:
        buffer = io.BytesIO(_frame(number))
        buffer.seek(0, io.SEEK_END)
        fastavro.schemaless_writer(buffer, schema, event)
        values.append(buffer.getvalue())

    def bare(value: bytes) -> object:
        return fastavro.schemaless_reader(io.BytesIO(value), schema, None)

    text = json.dumps(definition)
    return FormatSample("avro", "avro", values, bare, schema=("AVRO", text), frame=_frame(number))


def _protobuf(events: Sequence[SampleEvent], number: int) -> FormatSample:
    file = FileDescriptorProto(name="purchase.proto", package="bench", syntax="proto3")
    message = file.message_type.add(name="Purchase")
    label = FieldDescriptorProto.LABEL_OPTIONAL
    for place, (name, type_) in enumerate(_TYPES.items(), 1):
        message.field.add(name=name, number=place, type=_PROTOBUF_TYPES[type_], label=label)
    pool = DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    purchase = GetMessageClass(pool.FindMessageTypeByName("bench.Purchase"))
    frame = _frame(number) + b"\0"
    values = [frame + purchase(**event).SerializeToString() for event in events]
    schema = "PROTOBUF", base64.b64encode(file.SerializeToString()).decode()
    bare = purchase.FromString
    return FormatSample("protobuf", "protobuf", values, bare, schema=schema, frame=frame)


def _json_schema(written: Sequence[bytes], number: int) -> FormatSample:
    kinds = {"string": "string", "int": "integer", "double": "number", "long": "integer"}
    properties = {name: {"type": kinds[type_]} for name, type_ in _TYPES.items()}
    definition = {"type": "object", "properties": properties, "required": list(_TYPES)}
    values = [_frame(number) + value for value in written]
    schema = "JSON", json.dumps(definition)
    return FormatSample(
        *("json-schema", "json-schema", values, orjson.loads),
        schema=schema,
        frame=_frame(number),
    )
