"""Candidate formats: which formats a topic's messages may be in, the most specific first."""

import json
from collections.abc import Iterator, Mapping, Sequence

from headcount.run.message_format import JSON, RAW
from headcount_analysis.messages.json_message import Object, framed_schema, parse
from headcount_analysis.messages.record import Record

NEED_REGISTRY = ("avro", "protobuf", "json-schema")
"""Formats with a schema registry's frame."""

_ATTRIBUTES = frozenset({"specversion", "id", "source", "type"})
_CONTENT_TYPE = b"application/cloudevents"
_SCHEMA_HEADER = "__value_schema_id"
_CONVERTED = frozenset({"schema", "payload"})


def candidate_formats(records: Sequence[Record], *, has_registry: bool) -> Iterator[str]:
    """Yield the formats to try, in order; `raw`, which reads nothing, is the last."""
    if any(map(_names_schema, records)):
        yield from NEED_REGISTRY if has_registry else ()
    if any(map(_is_cloud_event, records)):
        yield "cloudevents"
    if any(map(_is_debezium, records)):
        yield "debezium"
    yield JSON
    yield RAW


def _names_schema(record: Record) -> bool:
    """Whether a message names its schema, before its value or in a header."""
    is_framed = framed_schema(record.value or b"") is not None
    return is_framed or any(name == _SCHEMA_HEADER for name, _ in record.headers)


def _is_cloud_event(record: Record) -> bool:
    headers = {name.lower(): value or b"" for name, value in record.headers}
    if headers.get("content-type", b"").strip().lower().startswith(_CONTENT_TYPE):
        return True
    return "ce_specversion" in headers or (_object(record) or {}).keys() >= _ATTRIBUTES


def _is_debezium(record: Record) -> bool:
    """Whether a message has a Debezium envelope, or is a JSON string that contains an object.

    Debezium may write either.
    """
    event = _object(record)
    if event is None:
        return _is_json_text(record.value or b"")
    is_change = "op" in event and ("after" in event or "before" in event)
    return is_change or event.keys() == _CONVERTED or {"payload", "eventType"} <= event.keys()


def _object(record: Record) -> Object | None:
    return parse(record.value).event


def _is_json_text(value: bytes) -> bool:
    if value[:1] != b'"':
        return False
    try:
        text = json.loads(value)
    except ValueError:
        return False
    return isinstance(parse(str(text).encode(errors="replace")).event, Mapping)
