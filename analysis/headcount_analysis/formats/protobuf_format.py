"""Protobuf in Confluent's framing: each message is parsed with the schema that it names."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from headcount_analysis.arrow_types import Integers
from headcount_analysis.field_spans.byte_rows import ByteRows, ByteSpan
from headcount_analysis.field_spans.json_spans import Field
from headcount_analysis.field_spans.protobuf_spans import protobuf_spans
from headcount_analysis.formats.framed_format import FramedFormat, Payload, PayloadReader
from headcount_analysis.formats.message_format import IdText
from headcount_analysis.formats.protobuf_schema import ProtobufSchema, load_schema
from headcount_analysis.formats.protobuf_values import ProtobufValues
from headcount_analysis.formats.schema_registry import NamedSchema
from headcount_analysis.messages.json_message import ParsedMessage

_FIRST = (0,)


class ProtobufFormat(FramedFormat):
    """Messages in Protobuf."""

    name: ClassVar[str] = "protobuf"
    schema_type: ClassVar[str] = "PROTOBUF"
    id_text = IdText.PROTOBUF

    def reader_of(self, schema: NamedSchema) -> PayloadReader:
        """Make the reader of a schema."""
        return _ProtobufReader(load_schema(schema))


class _ProtobufReader:
    """Reads the payloads of one schema, which may have several messages."""

    def __init__(self, schema: ProtobufSchema) -> None:
        self._schema = schema
        self._values = ProtobufValues(schema.pool)
        self._parsers: dict[tuple[int, ...], Callable[[bytes], Any] | None] = {}

    def read(self, payload: Payload) -> ParsedMessage:
        """Read a payload."""
        path = payload.message_path
        if path not in self._parsers:
            self._parsers[path] = self._parser_of(path)
        parser = self._parsers[path]
        if parser is None:
            index = "/".join(map(str, path))
            return ParsedMessage(defect=f"no message type at index {index} of its schema")
        try:
            return ParsedMessage(self._values.as_object(parser(payload.stream.read())))
        except (DecodeError, ValueError, TypeError, ArithmeticError):
            return ParsedMessage(defect="not valid Protobuf for its schema")

    def field_spans(
        self, texts: ByteRows, start: Integers, fields: Sequence[Field]
    ) -> Mapping[str, ByteSpan]:
        """Find fields of the payloads with the schema's first message, whose path is one zero."""
        first = self._schema.message_at(_FIRST)
        if first is None:
            return {}
        begin = np.where((start >= 0) & (texts.byte(start) == 0), start + 1, -1)
        return protobuf_spans(texts, begin, first, {field.name for field in fields})

    def _parser_of(self, path: tuple[int, ...]) -> Callable[[bytes], Any] | None:
        descriptor = self._schema.message_at(path)
        return None if descriptor is None else GetMessageClass(descriptor).FromString
