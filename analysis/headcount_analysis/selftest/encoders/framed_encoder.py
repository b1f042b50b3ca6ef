"""Avro, Protobuf and JSON Schema in Confluent's framing, with a schema that is registered first."""

import io
from collections.abc import Sequence
from typing import Any, Protocol

import fastavro
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.json_format import ParseDict
from google.protobuf.message_factory import GetMessageClass

from headcount.json_pointer import steps_of
from headcount.run.message_format import FormatSettings
from headcount_analysis.messages.kinds import MessageKind
from headcount_analysis.selftest.alterations import (
    ALTERATIONS,
    ARRAY,
    MISSING,
    NULL,
    OTHER_TYPE,
    OTHER_VALUE,
    REPEATED,
    SPACE,
    Alteration,
)
from headcount_analysis.selftest.encoders.document_schema import (
    ROOT,
    avro_schema,
    protobuf_file,
)
from headcount_analysis.selftest.encoders.encoder import (
    NOISE,
    Break,
    Document,
    Encoded,
    json_bytes,
    placed,
)

_UNKNOWN_SCHEMA = (1 << 31) - 1
_FRAME_BYTES = 5

BREAKS: Sequence[Break] = (
    lambda value: value[:-1],
    lambda value: value + b"\xff",
    lambda value: value[:1] + _UNKNOWN_SCHEMA.to_bytes(4) + value[_FRAME_BYTES:],
    lambda value: b"\x07" + value[1:],
    lambda value: value[_FRAME_BYTES:],
)
"""Truncated, a byte too many, an unknown schema, another frame, no frame."""


class Codec(Protocol):
    """Writes documents of one schema."""

    @property
    def alterations(self) -> Sequence[Alteration]:
        """Alterations of an event after which it still fits the schema."""

    def payload(self, document: Document) -> bytes:
        """Write a document without its frame."""


class AvroCodec:
    """Writes Avro; every field may be null, a text, a number or a list."""

    alterations = (OTHER_TYPE, ARRAY, SPACE, NULL)

    def __init__(self, prototype: Document) -> None:
        self._schema = fastavro.parse_schema(avro_schema(prototype))

    def payload(self, document: Document) -> bytes:
        """Write a record."""
        stream = io.BytesIO()
        fastavro.schemaless_writer(stream, self._schema, document)
        return stream.getvalue()


class ProtobufCodec:
    """Writes Protobuf; a field may be missing, but has one type."""

    alterations = (OTHER_TYPE, MISSING, OTHER_VALUE)

    def __init__(self, prototype: Document) -> None:
        pool = DescriptorPool()
        pool.AddSerializedFile(protobuf_file(prototype).SerializeToString())
        self._message: Any = GetMessageClass(pool.FindMessageTypeByName(ROOT))

    def payload(self, document: Document) -> bytes:
        """Write a message, after the index of its type."""
        message = ParseDict(_texts(document), self._message())
        content: bytes = message.SerializeToString()
        return b"\0" + content


class JsonSchemaCodec:
    """Writes JSON."""

    alterations = (*ALTERATIONS, REPEATED)

    def payload(self, document: Document) -> bytes:
        """Write an object."""
        return json_bytes(document)


class FramedEncoder:
    """Frames what a codec writes."""

    variants = 1
    breaks = BREAKS
    compares_content = True
    tombstone = MessageKind.MALFORMED
    tombstone_has_own_key = False

    def __init__(self, settings: FormatSettings, codec: Codec, schema_id: int) -> None:
        self._steps = steps_of(settings.compare_at)
        self._codec = codec
        self._frame = b"\0" + schema_id.to_bytes(4)
        self.is_text = isinstance(codec, JsonSchemaCodec)
        self.alterations = codec.alterations

    def document(self, event: Document, variant: int) -> Document:  # noqa: ARG002 - no variants
        """Put an event at the place that is compared."""
        return placed({"receipt": NOISE}, self._steps, event)

    def encoded(self, document: Document, variant: int) -> Encoded:  # noqa: ARG002 - no variants
        """Write a document."""
        return Encoded(self._frame + self._codec.payload(document))


def _texts(document: Document) -> dict[str, Any]:
    """Return a document without nulls, which Protobuf lacks."""
    return {
        name: _texts(value) if isinstance(value, dict) else value
        for name, value in document.items()
        if value is not None
    }
