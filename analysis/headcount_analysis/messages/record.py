"""Records: messages with their keys, headers and positions."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import pyarrow as pa
from confluent_kafka import Message

Headers = tuple[tuple[str, bytes | None], ...]


@dataclass(frozen=True, slots=True)
class Record:
    """A message and its position.

    `timestamp_ms` is -1 if it is unknown. `headers` are empty if nothing needs them.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None = None
    value: bytes | None = None
    headers: Headers = ()
    timestamp_ms: int = -1


def record_of(messages: pa.RecordBatch, row: int) -> Record:
    """Make the record of a row of `topic_range.MESSAGES`."""
    (record,) = records_of(messages.slice(row, 1))
    return record


def records_of(messages: pa.RecordBatch) -> Iterator[Record]:
    """Make the records of rows of `topic_range.MESSAGES`."""
    names = ("topic", "partition", "offset", "key", "value", "headers", "timestamp_ms")
    columns = [messages[name].to_pylist() for name in names]
    for topic, partition, offset, key, value, headers, timestamp_ms in zip(*columns, strict=True):
        pairs = tuple((header["key"], header["value"]) for header in headers or ())
        yield Record(topic, partition, offset, key, value, pairs, timestamp_ms)


def headers_of(message: Message) -> Headers:
    """Return the headers of a client's message."""
    return tuple(cast("list[tuple[str, bytes | None]]", message.headers() or ()))


def received(message: Message, timestamp_ms: int = -1) -> Record:
    """Make the record of a client's message, with its timestamp if it is needed."""
    return Record(
        message.topic() or "",
        message.partition() or 0,
        message.offset() or 0,
        _bytes(message.key()),
        _bytes(message.value()),
        headers_of(message),
        timestamp_ms,
    )


def _bytes(content: bytes | str | None) -> bytes | None:
    return content.encode() if isinstance(content, str) else content
