"""Records: messages with their keys, headers and positions."""

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
    headers = messages["headers"][row].as_py() or ()
    return Record(
        messages["topic"][row].as_py(),
        messages["partition"][row].as_py(),
        messages["offset"][row].as_py(),
        messages["key"][row].as_py(),
        messages["value"][row].as_py(),
        tuple((header["key"], header["value"]) for header in headers),
        messages["timestamp_ms"][row].as_py(),
    )


def headers_of(message: Message) -> Headers:
    """Return the headers of a client's message."""
    return tuple(cast("list[tuple[str, bytes | None]]", message.headers() or ()))
