"""The interface of formats: how a format decodes records, and the options it is created with."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

import pyarrow as pa

from headcount.kafka_settings.registry_settings import NO_REGISTRY, RegistrySettings
from headcount_analysis.field_spans.byte_rows import ByteRows, ByteSpan
from headcount_analysis.field_spans.json_spans import Field
from headcount_analysis.messages.json_message import ParsedMessage
from headcount_analysis.messages.record import Record


@dataclass(frozen=True, slots=True)
class FormatOptions:
    """What a format's class is called with.

    `compare_at` is a JSON pointer to the object that is compared; empty for the format's own place.
    """

    compare_at: str = ""
    registry: RegistrySettings = NO_REGISTRY


class IdText(StrEnum):
    """How a text, such as an id, appears in a message's bytes."""

    JSON = "json"
    """In quotes, after the name of its field; a backslash begins an escaped character."""
    CHECKED_JSON = "checked json"
    """As in JSON; whether a message is valid may depend on any of its values."""
    AVRO = "avro"
    """After its length, which Avro writes doubled."""
    PROTOBUF = "protobuf"
    """After its length."""
    OTHER = "other"
    NONE = "none"
    """Nowhere: values are not read, so messages that differ only in their values count as equal."""


class MessageFormat(Protocol):
    """Decodes records. It is pickled for other processes, so it connects only when it must."""

    @property
    def id_text(self) -> IdText:
        """How texts appear in messages, so that ids of many messages can be found together."""

    @property
    def context_headers(self) -> tuple[str, ...]:
        """The headers whose values decide how the value is decoded."""

    @property
    def required_headers(self) -> tuple[str, ...]:
        """The headers that matter only by being there, such as one with an id."""

    @property
    def compares_content(self) -> bool:
        """Whether its events have fields that can be compared with the request."""

    def decode(self, record: Record) -> ParsedMessage:
        """Decode a record.

        What is wrong with a record is the `defect` of the result. EvidenceError is raised only if
        no record can be judged, such as when the schema registry does not answer.
        """


@runtime_checkable
class SpanFormat(Protocol):
    """A format that finds fields in the bytes of many messages together."""

    def field_spans(
        self, texts: ByteRows, headers: pa.Array, fields: Sequence[Field]
    ) -> list[ByteSpan]:
        """Find top-level fields of messages, a span for each field; none where it is not certain.

        If the bytes of a span are replaced as `ByteRows` masks and alters them, all other fields
        keep their values, and the message stays as valid or invalid as it was.
        """


def reads_headers(message_format: MessageFormat) -> bool:
    """Whether a format can read records only if their headers are read, too."""
    return bool(message_format.context_headers or message_format.required_headers)
