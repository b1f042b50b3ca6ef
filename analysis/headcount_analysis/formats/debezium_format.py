"""Debezium in JSON: changes of rows, and events of its outbox event router.

Sources: Debezium's documentation of its connectors' change events and of the outbox event router.
The decoded message is without the converter's `{"schema": …, "payload": …}`, so that a pointer into
it does not depend on `schemas.enable`. What is compared by default:

- of a change (`op` with `before` and `after`): the row after it, or before it if it was deleted,
- of a row of an outbox table, or an envelope of the event router (`payload` and `eventType`): the
  payload, even if it is text,
- of any other message, such as the event router's expanded payload: the message itself.
"""

import json
from collections.abc import Mapping
from typing import Final

from headcount.json_pointer import value_at
from headcount_analysis.formats.compared_object import ComparedPlace, compared_place
from headcount_analysis.formats.connect_schema import converted
from headcount_analysis.formats.message_format import FormatOptions, IdText
from headcount_analysis.messages.json_message import Object, ParsedMessage, parse
from headcount_analysis.messages.record import Record

_TYPE: Final = "eventType"
_PAYLOAD: Final = "payload"
_WITH_SCHEMA: Final = {"schema", _PAYLOAD}
_OUTBOX_COLUMNS: Final = {"aggregatetype", "aggregate_type"}
_TYPE_COLUMNS: Final = ("type", "event_type")
_TOMBSTONE: Final = ParsedMessage(event={}, is_tombstone=True)


class DebeziumFormat:
    """Changes and outbox events, as Debezium publishes them."""

    id_text = IdText.JSON
    context_headers: tuple[str, ...] = ("eventType",)
    required_headers: tuple[str, ...] = ()
    compares_content = True

    def __init__(self, options: FormatOptions) -> None:
        self._by_option = compared_place(options.compare_at) if options.compare_at else None

    def decode(self, record: Record) -> ParsedMessage:
        """Decode a record. A tombstone, which follows a deletion, has no fields."""
        if record.value is None:
            return _TOMBSTONE
        parsed = _without_schema(record.value)
        if parsed.event is None or parsed.is_tombstone:
            return parsed
        steps = _steps(parsed.event)
        parsed = _with_object_at(parsed, steps)
        root = parsed.event or {}
        if steps and not isinstance(root[steps[0]], Mapping):
            return ParsedMessage(defect="a change without a row")
        event_type = _event_type(record, root, steps)
        place = self._by_option or ComparedPlace("".join(f"/{step}" for step in steps), steps)
        return place.within(parsed._replace(root=root, event_type=event_type))


def _without_schema(value: bytes) -> ParsedMessage:
    """Parse a message, even JSON within a text, and remove the converter's wrapper."""
    parsed = _parsed_text(value) if value[:1] == b'"' else parse(value)
    if parsed.event is None or parsed.event.keys() != _WITH_SCHEMA:
        return parsed
    payload = converted(parsed.event[_PAYLOAD], parsed.event["schema"])
    if payload is None:
        return _TOMBSTONE
    if isinstance(payload, str):
        text = parse(payload.encode(errors="replace"))
        return text._replace(repeated=(*parsed.repeated, *text.repeated))
    if isinstance(payload, Mapping):
        fields = tuple(name for name in parsed.repeated if name in payload)
        return parsed._replace(event=payload, repeated_fields=fields)
    return ParsedMessage(defect="no object at /payload")


def _parsed_text(value: bytes) -> ParsedMessage:
    try:
        text = json.loads(value)
    except ValueError:
        return parse(value)
    return parse(str(text).encode(errors="replace"))


def _steps(root: Object) -> tuple[str, ...]:
    """Return the path to the object that is compared by default."""
    if "op" in root and ("after" in root or "before" in root):
        row_name = "after" if root.get("after") is not None else "before"
        row = root.get(row_name)
        is_outbox = isinstance(row, Mapping) and _PAYLOAD in row and _OUTBOX_COLUMNS & row.keys()
        return (row_name, _PAYLOAD) if is_outbox else (row_name,)
    return (_PAYLOAD,) if _PAYLOAD in root and _TYPE in root else ()


def _with_object_at(parsed: ParsedMessage, steps: tuple[str, ...]) -> ParsedMessage:
    """Replace text at the end of some steps by the object that it contains as JSON."""
    root = parsed.event or {}
    text = value_at(root, steps)
    if not isinstance(text, str):
        return parsed
    inner = parse(text.encode(errors="replace"))
    if inner.event is None:
        return parsed
    changed: Object = inner.event
    for depth in reversed(range(len(steps))):
        holder = value_at(root, steps[:depth])
        assert isinstance(holder, Mapping)
        changed = {**holder, steps[depth]: changed}
    return parsed._replace(event=changed, repeated=(*parsed.repeated, *inner.repeated))


def _event_type(record: Record, root: Object, steps: tuple[str, ...]) -> str | None:
    """Return the type that the header, the envelope or the outbox row names, in this order."""
    for name, value in record.headers:
        if name == _TYPE and value is not None:
            return _header_text(value)
    holder = value_at(root, steps[:-1]) if steps[-1:] == (_PAYLOAD,) else root
    columns = (_TYPE, *_TYPE_COLUMNS) if len(steps) > 1 else (_TYPE,)
    for name in columns if isinstance(holder, Mapping) else ():
        assert isinstance(holder, Mapping)
        if isinstance(value := holder.get(name), str):
            return value
    return None


def _header_text(value: bytes) -> str:
    """Return the text of a header, which a converter may have written as JSON."""
    text = value.decode(errors="replace")
    try:
        content = json.loads(text)
    except ValueError:
        return text
    if isinstance(content, dict) and content.keys() == _WITH_SCHEMA:
        content = content[_PAYLOAD]
    return content if isinstance(content, str) else text
