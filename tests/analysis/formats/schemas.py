"""Schemas and messages for tests of the formats that have schemas."""

import io
import json
from typing import Any

import fastavro
from confluent_kafka.schema_registry import Schema
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto
from headcount_analysis.formats.avro_format import AvroFormat
from headcount_analysis.formats.framed_format import Payload
from headcount_analysis.formats.message_format import FormatOptions
from headcount_analysis.formats.schema_registry import NamedSchema, SchemaRegistry
from headcount_analysis.messages.json_message import ParsedMessage

from headcount.kafka_settings.registry_settings import RegistrySettings

NOWHERE = RegistrySettings(url="http://127.0.0.1:1")
OPTIONS = FormatOptions(registry=NOWHERE)


def named(text: str, kind: str) -> NamedSchema:
    """Return a schema without references; nobody asks its registry."""
    return NamedSchema(1, Schema(text, kind), SchemaRegistry(NOWHERE))


def record_of(**types: Any) -> dict[str, Any]:
    """Make an Avro schema of a record with these fields."""
    fields = [{"name": name, "type": type_} for name, type_ in types.items()]
    return {"type": "record", "name": "Order", "namespace": "shop", "fields": fields}


def avro(schema: Any, event: object) -> bytes:
    """Write an event in Avro, without a frame."""
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, fastavro.parse_schema(schema), event)
    return buffer.getvalue()


def read_avro(schema: Any, content: bytes) -> ParsedMessage:
    """Read a payload with the schema that it was written with."""
    reader = AvroFormat(OPTIONS).reader_of(named(json.dumps(schema), "AVRO"))
    return reader.read(Payload(io.BytesIO(content)))


def add_field(
    message: DescriptorProto, name: str, number: int, kind: int, type_name: str = "", **more: Any
) -> FieldDescriptorProto:
    """Add a field to a Protobuf message."""
    label = FieldDescriptorProto.LABEL_OPTIONAL
    return message.field.add(
        name=name, number=number, type=kind, label=label, type_name=type_name or None, **more
    )
