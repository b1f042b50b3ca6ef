"""Framed formats: messages that name their schema in Confluent's framing.

A value begins with a zero byte and the schema's number, or the record header `__value_schema_id`
names the schema. Confluent's client reads both. Source: Confluent's *Wire format*.
"""

import functools
import io
import struct
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from confluent_kafka.schema_registry import dual_schema_id_deserializer
from confluent_kafka.schema_registry.serde import SchemaId
from confluent_kafka.serialization import MessageField, SerializationContext, SerializationError

from headcount.errors import EvidenceError, UsageError
from headcount.kafka_settings.registry_settings import RegistrySettings
from headcount_analysis.arrow_types import Integers
from headcount_analysis.field_spans.byte_rows import ByteRows, ByteSpan
from headcount_analysis.field_spans.json_spans import Field
from headcount_analysis.formats.compared_object import compared_place
from headcount_analysis.formats.message_format import FormatOptions, IdText
from headcount_analysis.formats.schema_registry import (
    NamedSchema,
    SchemaName,
    schema_registry,
)
from headcount_analysis.messages.json_message import ParsedMessage, parse
from headcount_analysis.messages.record import Record

_NOT_FRAMED = "not framed for a schema registry"
_SCHEMA_HEADER = "__value_schema_id"
_FRAME_BYTES = 5
_MOST_SCHEMAS = 4
"""Fields are found together only in messages of this many schemas, the most frequent ones."""


class Payload(NamedTuple):
    """What follows the frame, to be read from the stream's position.

    `message_path` says which message of a Protobuf schema it is.
    """

    stream: io.BytesIO
    message_path: tuple[int, ...] = ()


class PayloadReader(Protocol):
    """Reads the payloads of one schema."""

    def read(self, payload: Payload) -> ParsedMessage:
        """Read a payload, or name its defect. UnusableSchemaError if the schema is the cause."""

    def field_spans(
        self, texts: ByteRows, start: Integers, fields: Sequence[Field]
    ) -> Mapping[str, ByteSpan]:
        """Find fields in the payloads that begin at `start`, -1 for a text of another schema.

        Only fields that may be replaced, as `SpanFormat.field_spans` says, have spans.
        """


class UnusableSchemaError(Exception):
    """A schema cannot be used; the message says why."""


class FramedFormat(ABC):
    """A format whose messages name their schema."""

    context_headers: tuple[str, ...] = (_SCHEMA_HEADER,)
    required_headers: tuple[str, ...] = ()
    compares_content = True
    id_text: ClassVar[IdText]
    name: ClassVar[str]
    schema_type: ClassVar[str]

    def __init__(self, options: FormatOptions) -> None:
        if not options.registry.url:
            raise UsageError(f"--format {self.name} needs --schema-registry URL")
        self._options = options
        self._compared = compared_place(options.compare_at)

    def __reduce__(self) -> tuple[type["FramedFormat"], tuple[FormatOptions]]:
        """Pickle only the options: each process asks the registry itself."""
        return type(self), (self._options,)

    @abstractmethod
    def reader_of(self, schema: NamedSchema) -> PayloadReader:
        """Make the reader of a schema. UnusableSchemaError or EvidenceError."""

    def decode(self, record: Record) -> ParsedMessage:
        """Decode a record. EvidenceError if the registry cannot be asked for its schema."""
        value = record.value
        if not value:
            return ParsedMessage(defect="tombstone (no value)" if value is None else "empty")
        try:
            name, payload = self._unframed(value, record)
        except (SerializationError, struct.error, ValueError, EOFError):
            is_json = parse(value).event is not None
            return ParsedMessage(defect=f"JSON, {_NOT_FRAMED}" if is_json else _NOT_FRAMED)
        try:
            parsed = self._read(name, payload)
        except UnusableSchemaError as error:
            raise EvidenceError(
                f"schema {name} of the schema registry {self._options.registry.url} cannot be "
                f"used: {error}"
            ) from None
        if parsed.defect is not None:
            return ParsedMessage(defect=f"{parsed.defect}, schema {name}")
        return self._compared.within(parsed)

    def field_spans(
        self, texts: ByteRows, headers: pa.Array, fields: Sequence[Field]
    ) -> list[ByteSpan]:
        """Find top-level fields of messages whose schema was read before."""
        count = len(texts.values)
        spans = {field.name: ByteSpan.nowhere(count) for field in fields}
        names = headers.flatten().field("key")
        is_named = pc.any(pc.equal(pc.utf8_lower(names), _SCHEMA_HEADER)).as_py()
        if self._compared.steps or is_named:
            return list(spans.values())
        begin = texts.bounds[:-1].astype(np.int64)
        numbers = texts.number(begin, _FRAME_BYTES)
        known, counts = np.unique(numbers, return_counts=True)
        for number in known[np.argsort(-counts)][:_MOST_SCHEMAS].tolist():
            # A frame's first byte is zero, so it adds nothing to the number.
            reader = self._readers.get(number)
            if reader is not None and not isinstance(reader, str):
                start = np.where(numbers == number, begin + _FRAME_BYTES, -1)
                for name, span in reader.field_spans(texts, start, fields).items():
                    spans[name] = spans[name].or_else(span)
        return list(spans.values())

    def _unframed(self, value: bytes, record: Record) -> tuple[SchemaName, Payload]:
        schema_id = SchemaId(self.schema_type)
        context = None
        if record.headers:
            headers: list[tuple[str, str | bytes | None]] = list(record.headers)
            context = SerializationContext(record.topic, MessageField.VALUE, headers)
        stream = dual_schema_id_deserializer(value, context, schema_id)
        name = schema_id.guid if schema_id.id is None else schema_id.id
        assert name is not None, "a frame has one or the other"
        return name, Payload(stream, tuple(schema_id.message_indexes or ()))

    def _read(self, name: SchemaName, payload: Payload) -> ParsedMessage:
        reader = self._readers.get(name)
        if reader is None:
            reader = self._readers[name] = self._made_reader(name)
        return ParsedMessage(defect=reader) if isinstance(reader, str) else reader.read(payload)

    @functools.cached_property
    def _readers(self) -> "dict[SchemaName, PayloadReader | str]":
        """For each schema, its reader in this process, or the defect of messages that name it."""
        return _process_readers(type(self), self._options.registry)

    def _made_reader(self, name: SchemaName) -> PayloadReader | str:
        """Make the reader of a schema, or the defect of messages that name it."""
        registry = schema_registry(self._options.registry)
        schema = registry.schema(name)
        if schema is None:
            return "not in the registry"
        if schema.kind != self.schema_type:
            return f"its schema is {schema.kind}, not {self.schema_type}"
        return self.reader_of(schema)


@functools.lru_cache(maxsize=8)
def _process_readers(
    _kind: type[FramedFormat], _registry: RegistrySettings
) -> dict[SchemaName, PayloadReader | str]:
    """Return the same dictionary whenever a format is unpickled in this process."""
    return {}
