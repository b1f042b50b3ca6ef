"""Hostile frames: batches in formats with schemas, in which messages seem alike and are not."""

import base64
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any, Final

import fastavro
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from headcount.run.id_form import RunIds
from tests.analysis.formats.schemas import add_field, record_of

ID: Final = "x_event_id"
TYPES: Final = {
    "long": "long",
    "int": "int",
    "double": "double",
    "float": "float",
    "text": "string",
    "bytes": "bytes",
    "boolean": "boolean",
    "optional": ["null", "long"],
    "optional text": ["null", "string"],
    "either": ["long", "string"],
    "list": {"type": "array", "items": "string"},
    "map": {"type": "map", "values": "long"},
    "enum": {"type": "enum", "name": "Metal", "symbols": ["iron", "gold"]},
    "fixed": {"type": "fixed", "name": "Eight", "size": 8},
    "decimal": {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2},
    "record": record_of(n="long", note="string"),
}
"""Kinds of fields, as Avro's types."""

_PROTOBUF: Final = {
    "long": FieldDescriptorProto.TYPE_INT64,
    "int": FieldDescriptorProto.TYPE_INT32,
    "double": FieldDescriptorProto.TYPE_DOUBLE,
    "float": FieldDescriptorProto.TYPE_FLOAT,
    "text": FieldDescriptorProto.TYPE_STRING,
    "bytes": FieldDescriptorProto.TYPE_BYTES,
    "boolean": FieldDescriptorProto.TYPE_BOOL,
    "list": FieldDescriptorProto.TYPE_STRING,
}
_JSON: Final[Mapping[str, dict[str, object]]] = {
    "long": {"type": "integer"},
    "int": {"type": "integer", "maximum": 2**40},
    "double": {"type": "number"},
    "float": {"type": ["number", "integer"]},
    "text": {"type": "string"},
    "list": {"type": "array"},
    "optional": {"oneOf": [{"type": "null"}, {"type": "integer"}]},
    "either": {},
}
KINDS: Final[Mapping[str, Sequence[str]]] = {
    "avro": [*TYPES],
    "protobuf": [*_PROTOBUF],
    "json-schema": [*_JSON],
}
"""The kinds of fields that each format has."""

Values = Callable[[str], Any]
"""Makes the value of a field of a kind."""


def values(random: Random, number: int, ids: RunIds) -> Values:
    """Make values of a message: most are different in each message, some are alike or special."""
    own, other = ids.text(0, 1000 + number), ids.text(0, 1000 + random.randrange(9000))
    texts = ["#" * 8, "é", 'a"b\\', "x" * 101, "", own, other, f"{own}#", "1"]
    longs = [35, -1, 0, 1, 2**62, -(2**62), 2**35 + 35]

    def unique_or(special: Sequence[Any], unique: object) -> Any:
        return random.choice(special) if random.random() < 0.2 else unique

    def long() -> Any:
        return unique_or(longs, 10**12 + random.randrange(10**9))

    def text() -> Any:
        return unique_or(texts, f"{random.randrange(10**8):08}")

    makers: dict[str, Callable[[], Any]] = {
        "long": long,
        "int": lambda: unique_or([35, -1, 0, 1], random.randrange(10**9)),
        "double": lambda: unique_or([1.0, -0.0, 0.5], random.random() * 10**6),
        "float": lambda: float(random.randrange(10**6)),
        "text": text,
        "bytes": lambda: unique_or([b"", b"#" * 8, own.encode()], random.randbytes(8)),
        "boolean": lambda: random.random() < 0.5,
        "optional": lambda: unique_or([None], long()),
        "optional text": lambda: unique_or([None], text()),
        "either": lambda: long() if random.random() < 0.5 else text(),
        "list": lambda: [text() for _ in range(random.randrange(3))],
        "map": lambda: {text(): long() for _ in range(random.randrange(3))},
        "enum": lambda: random.choice(["iron", "gold"]),
        "fixed": lambda: random.randbytes(8),
        "decimal": lambda: Decimal(random.randrange(10**4)) / 100,
        "record": lambda: {"n": long(), "note": text()},
    }
    return lambda kind: makers[kind]()


@dataclass(frozen=True, slots=True)
class SchemaMessages:
    """Writes messages of a schema; `fields` has the kinds of fields by name, not the id's."""

    name: str
    number: int
    fields: Mapping[str, str]

    @property
    def kind(self) -> str:
        """What a registry calls the format."""
        return {"avro": "AVRO", "protobuf": "PROTOBUF", "json-schema": "JSON"}[self.name]

    @property
    def schema(self) -> str:
        """The text of the schema."""
        if self.name == "avro":
            return json.dumps(self._avro)
        if self.name == "protobuf":
            return base64.b64encode(self._protobuf.SerializeToString()).decode()
        properties = {name: _JSON[kind] for name, kind in self.fields.items()}
        return json.dumps({"type": "object", "properties": properties})

    def writer(self) -> Callable[[Mapping[str, Any]], bytes]:
        """Return what writes messages."""
        frame = b"\0" + self.number.to_bytes(4)
        if self.name == "avro":
            schema = fastavro.parse_schema(self._avro)

            def write(event: Mapping[str, Any]) -> bytes:
                buffer = io.BytesIO()
                fastavro.schemaless_writer(buffer, schema, event)
                return frame + buffer.getvalue()

            return write
        if self.name == "protobuf":
            pool = DescriptorPool()
            pool.AddSerializedFile(self._protobuf.SerializeToString())
            order = GetMessageClass(pool.FindMessageTypeByName("Order"))
            return lambda event: frame + b"\0" + bytes(order(**event).SerializeToString())
        return lambda event: frame + json.dumps(event).encode()

    @property
    def _avro(self) -> dict[str, Any]:
        types = {name: TYPES[kind] for name, kind in self.fields.items()}
        unique = json.loads(json.dumps(types))
        for name, type_ in unique.items():
            if isinstance(type_, dict) and "name" in type_:
                type_["name"] = f"{type_['name']}_{name}"  # Avro's names are unique in a schema
        return record_of(**{ID: "string"}, **unique)

    @property
    def _protobuf(self) -> FileDescriptorProto:
        file = FileDescriptorProto(name=f"{self.number}.proto", syntax="proto3")
        message = file.message_type.add(name="Order")
        for place, (name, kind) in enumerate({ID: "text", **self.fields}.items(), 1):
            made = add_field(message, name, place, _PROTOBUF[kind])
            if kind == "list":
                made.label = FieldDescriptorProto.LABEL_REPEATED
        return file


def framed_batch(frames: Sequence[SchemaMessages], seed: int, size: int, ids: RunIds) -> list[Any]:
    """Make rows of `topic_range.MESSAGES`, most often of the first schema; some are broken."""
    random = Random(seed)
    weights = [5, *[1] * (len(frames) - 1)]
    writers = {chosen.number: chosen.writer() for chosen in frames}
    rows = []
    for number, chosen in enumerate(random.choices(frames, weights, k=size)):
        make = values(random, number, ids)
        event = {ID: ids.text(0, 1000 + number)}
        event |= {name: make(kind) for name, kind in chosen.fields.items()}
        if random.random() < 0.05:
            event[ID] = random.choice(["", f"{event[ID]}#", make("text")])
        value = _broken(random, writers[chosen.number](event))
        headers = [{"key": "__value_schema_id", "value": b"\0" + chosen.number.to_bytes(4)}]
        has_header = random.random() < 0.05 and seed % 2
        rows.append(
            {"topic": "t", "partition": 0, "offset": number, "value": value}
            | {"key": event[ID].encode(), "headers": headers if has_header else []}
        )
    return rows


def _broken(random: Random, value: bytes) -> bytes | None:
    breaks: list[Callable[[], bytes | None]] = [
        lambda: value[:-1],
        lambda: value + b"#",
        lambda: value[:5],
        lambda: b"\0\0\0\0\x63" + value[5:],
        lambda: value[:-3] + random.randbytes(3),
        lambda: None,
    ]
    return random.choice(breaks)() if random.random() < 0.1 else value
