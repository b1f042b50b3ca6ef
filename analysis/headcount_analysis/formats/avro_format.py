"""Avro in Confluent's framing: fastavro reads each message with the schema it was written with.

Values that JSON lacks become JSON as docs/formats.md declares. Custom logical types of fastavro
convert them while it reads, so that no value is looked at twice.
"""

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final
from uuid import UUID

import fastavro
from fastavro.read import LOGICAL_READERS
from fastavro.schema import SchemaParseException, UnknownType

from headcount_analysis.arrow_types import Integers
from headcount_analysis.field_spans.avro_spans import avro_record
from headcount_analysis.field_spans.byte_rows import ByteRows, ByteSpan
from headcount_analysis.field_spans.json_spans import Field
from headcount_analysis.formats.framed_format import (
    FramedFormat,
    Payload,
    PayloadReader,
    UnusableSchemaError,
)
from headcount_analysis.formats.json_values import base64_text, shortest_double
from headcount_analysis.formats.message_format import IdText
from headcount_analysis.formats.schema_registry import NamedSchema
from headcount_analysis.messages.json_message import ParsedMessage

_BASE64: Final = "headcount-base64"
_SHORTEST: Final = "headcount-shortest"
_UUID: Final = "headcount-uuid"
_DECIMAL: Final = "decimal"


class AvroFormat(FramedFormat):
    """Messages in Avro."""

    name: ClassVar[str] = "avro"
    schema_type: ClassVar[str] = "AVRO"
    id_text = IdText.AVRO

    def reader_of(self, schema: NamedSchema) -> PayloadReader:
        """Make the reader of a schema."""
        named: dict[str, Any] = {}
        try:
            for _name, text in schema.references():
                _parsed(text, named)
            return _AvroReader(_parsed(schema.text, named), named)
        except (SchemaParseException, UnknownType, ValueError, KeyError, TypeError) as error:
            raise UnusableSchemaError(str(error)) from None


class _AvroReader:
    """Reads the payloads of one schema."""

    def __init__(self, schema: Any, named: Mapping[str, Any]) -> None:
        self._schema = schema
        self._record = avro_record(schema, named)

    def read(self, payload: Payload) -> ParsedMessage:
        """Read a payload."""
        try:
            event = fastavro.schemaless_reader(payload.stream, self._schema, None)
        # fastavro may raise any exception for bytes that do not match the schema.
        except Exception:  # noqa: BLE001
            return ParsedMessage(defect="not valid Avro for its schema")
        if payload.stream.read(1):
            return ParsedMessage(defect="Avro with trailing bytes")
        if not isinstance(event, Mapping):
            return ParsedMessage(defect="Avro, but not a record")
        return ParsedMessage(event)

    def field_spans(
        self, texts: ByteRows, start: Integers, fields: Sequence[Field]
    ) -> Mapping[str, ByteSpan]:
        """Find fields of the payloads."""
        if self._record is None:
            return {}
        return self._record.spans(texts, start, {field.name for field in fields})


def _parsed(text: str, named: dict[str, Any]) -> Any:
    return fastavro.parse_schema(as_json_values(json.loads(text)), named)


def as_json_values(schema: Any) -> Any:
    """Return a schema for the same bytes that makes fastavro read logical types as JSON values."""
    if isinstance(schema, list):
        return [as_json_values(branch) for branch in schema]
    if not isinstance(schema, Mapping):
        return _PRIMITIVES.get(schema, schema)
    kind, logical = schema["type"], schema.get("logicalType")
    if not isinstance(kind, str):
        return as_json_values(kind)
    changed = {name: part for name, part in schema.items() if name != "logicalType"}
    match kind:
        case "record" | "error":
            changed["fields"] = [
                {**field, "type": as_json_values(field["type"])} for field in schema["fields"]
            ]
        case "array":
            changed["items"] = as_json_values(schema["items"])
        case "map":
            changed["values"] = as_json_values(schema["values"])
        case "bytes" | "fixed":
            kept: dict[str | None, str] = {
                _DECIMAL: _DECIMAL,
                "uuid": _UUID if kind == "fixed" else _BASE64,
            }
            changed["logicalType"] = kept.get(logical, _BASE64)
        case "float":
            changed["logicalType"] = _SHORTEST
    return changed


_PRIMITIVES: Final = {
    "bytes": {"type": "bytes", "logicalType": _BASE64},
    "float": {"type": "float", "logicalType": _SHORTEST},
}


def _register(kind: str, logical: str, convert: Callable[[Any], object]) -> None:
    """Register a custom logical type with fastavro."""

    @functools.wraps(convert)
    def read(value: Any, _writer: object = None, _reader: object = None) -> object:
        return convert(value)

    LOGICAL_READERS[f"{kind}-{logical}"] = read


_register("bytes", _BASE64, base64_text)
_register("fixed", _BASE64, base64_text)
_register("fixed", _UUID, lambda value: str(UUID(bytes=value)))
_register("float", _SHORTEST, shortest_double)
