"""Document schemas: schemas in Avro and Protobuf that fit a document with every field."""

from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)

from headcount_analysis.selftest.encoders.encoder import Document

ROOT = "Root"

_LEAF = ["null", "string", "long"]
_ANY = [*_LEAF, {"type": "array", "items": _LEAF}]


def avro_schema(prototype: Document, name: str = ROOT) -> dict[str, Any]:
    """Describe a record; every field of it may be null."""
    fields = [
        {"name": key, "default": None, "type": _avro_type(value, f"{name}_{key}")}
        for key, value in prototype.items()
    ]
    return {"type": "record", "name": name, "fields": fields}


def _avro_type(value: object, name: str) -> list[Any]:
    return ["null", avro_schema(value, name)] if isinstance(value, Mapping) else _ANY


def protobuf_file(prototype: Document) -> FileDescriptorProto:
    """Describe a message, and those in it; every field may be missing."""
    file = FileDescriptorProto(name="selftest.proto", syntax="proto2")
    file.message_type.append(_message(prototype, ROOT))
    return file


def _message(prototype: Document, name: str) -> DescriptorProto:
    message = DescriptorProto(name=name)
    for number, (key, value) in enumerate(prototype.items(), start=1):
        field = message.field.add(
            name=key, number=number, label=FieldDescriptorProto.LABEL_OPTIONAL, json_name=key
        )
        if isinstance(value, Mapping):
            inner = _message(value, f"Of_{key}")
            message.nested_type.append(inner)
            field.type, field.type_name = FieldDescriptorProto.TYPE_MESSAGE, inner.name
        elif isinstance(value, int):
            field.type = FieldDescriptorProto.TYPE_INT64
        else:
            field.type = FieldDescriptorProto.TYPE_STRING
    return message


def protobuf_text(file: FileDescriptorProto) -> str:
    """Write a file of messages as its source."""
    return "\n".join(['syntax = "proto2";', *_lines(file.message_type[0], "")]) + "\n"


def _lines(message: DescriptorProto, indent: str) -> Iterator[str]:
    yield f"{indent}message {message.name} {{"
    for inner in message.nested_type:
        yield from _lines(inner, f"{indent}  ")
    for field in message.field:
        kind = {
            FieldDescriptorProto.TYPE_INT64: "int64",
            FieldDescriptorProto.TYPE_STRING: "string",
        }.get(field.type, field.type_name)
        yield f"{indent}  optional {kind} {field.name} = {field.number};"
    yield f"{indent}}}"
