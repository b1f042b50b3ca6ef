"""CloudEvents 1.0 in JSON: structured and binary mode, as one decoded message.

Source: the Kafka protocol binding of CloudEvents. In structured mode the value is the whole event,
and the content type says so; in binary mode the headers `ce_*` are its attributes, and the value
its data. Either way the decoded message is `{"specversion": …, "id": …, …, "data": …}`.
"""

import base64
import binascii
from collections.abc import Iterable
from typing import Final

from headcount_analysis.formats.compared_object import compared_place
from headcount_analysis.formats.message_format import FormatOptions, IdText
from headcount_analysis.messages.json_message import Object, ParsedMessage, parse
from headcount_analysis.messages.record import Record

_REQUIRED: Final = ("specversion", "id", "source", "type")
_PREFIX: Final = "ce_"
_CONTENT_TYPE: Final = "content-type"
_STRUCTURED: Final = "application/cloudevents"


class CloudEventsFormat:
    """CloudEvents, whose data is compared."""

    id_text = IdText.JSON
    context_headers: tuple[str, ...] = ("content-type", "ce_specversion", "ce_source", "ce_type")
    required_headers: tuple[str, ...] = ("ce_id",)
    compares_content = True

    def __init__(self, options: FormatOptions) -> None:
        self._by_default = not options.compare_at
        self._compared = compared_place(options.compare_at or "/data")

    def decode(self, record: Record) -> ParsedMessage:
        """Decode a record. An event without data has no fields to compare."""
        headers = tuple((name.lower(), value) for name, value in record.headers)
        parsed = _binary(record, headers) if _is_binary(headers) else _structured(record)
        root = parsed.event
        if root is None:
            return parsed
        missing = [name for name in _REQUIRED if not isinstance(root.get(name), str)]
        if missing:
            return ParsedMessage(defect=f"not a CloudEvent: {missing[0]} is missing")
        parsed = parsed._replace(root=root, event_type=str(root["type"]))
        if self._by_default and root.get("data") is None and "data_base64" not in root:
            return parsed._replace(event={}, repeated_fields=())
        return self._compared.within(parsed)


def _is_binary(headers: Iterable[tuple[str, bytes | None]]) -> bool:
    names = dict(headers)
    content_type = (names.get(_CONTENT_TYPE) or b"").strip().lower()
    return not content_type.startswith(_STRUCTURED.encode()) and any(
        _PREFIX + name in names for name in _REQUIRED
    )


def _structured(record: Record) -> ParsedMessage:
    parsed = parse(record.value)
    if parsed.event is None or "data_base64" not in parsed.event:
        return parsed
    return parsed._replace(event=_with_decoded_data(parsed.event))


def _with_decoded_data(event: Object) -> Object:
    """Add the data that `data_base64` contains, if it is JSON."""
    try:
        value = base64.b64decode(str(event["data_base64"]), validate=True)
    except (binascii.Error, ValueError):
        return event
    data = parse(value).event
    return event if data is None else {**event, "data": data}


def _binary(record: Record, headers: Iterable[tuple[str, bytes | None]]) -> ParsedMessage:
    """Make the message that structured mode would have; data that is not JSON is a defect.

    A required attribute that occurs twice with different values counts as a repeated key.
    """
    root: dict[str, object] = {}
    repeated = []
    for name, value in headers:
        attribute = name.removeprefix(_PREFIX)
        if name == _CONTENT_TYPE:
            attribute = "datacontenttype"
        elif attribute == name:
            continue
        text = (value or b"").decode(errors="replace")
        if root.setdefault(attribute, text) != text and attribute in _REQUIRED:
            repeated.append(attribute)
    if not record.value:
        return ParsedMessage(root, repeated=tuple(repeated))
    data = parse(record.value)
    if data.event is None:
        return data
    root["data"] = data.event
    return ParsedMessage(root, repeated=(*repeated, *data.repeated))
