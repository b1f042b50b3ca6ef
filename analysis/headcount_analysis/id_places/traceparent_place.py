"""The trace-id in the record header `traceparent`, as in W3C Trace Context, section 3.2."""

import re
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from headcount.run.id_location import TRACEPARENT
from headcount_analysis.id_places.header_place import header_column, header_values
from headcount_analysis.id_places.id_place import IdColumn, SeenId, only
from headcount_analysis.messages.json_message import ParsedMessage
from headcount_analysis.messages.record import Record

_FIRST, _END = 3, 35
"""The place of the trace-id, after the version and a hyphen."""

_PATTERN = "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}"
_HEADER = re.compile(_PATTERN.encode())


@dataclass(frozen=True, slots=True)
class TraceparentPlace:
    """The trace-id that a service's instrumentation carries on."""

    needs_headers: bool = True

    def seen(self, _message: ParsedMessage, record: Record) -> SeenId:
        """Return the trace-id; None if the header has another form."""
        values = header_values(record, TRACEPARENT)
        texts = [value[_FIRST:_END].decode() for value in values if _HEADER.match(value)]
        return only(texts, f"in the record header {TRACEPARENT}")

    def column(self, messages: pa.RecordBatch) -> IdColumn:
        """Return the trace-id of each message."""
        header = header_column(messages["headers"], TRACEPARENT)
        is_one = pc.match_substring_regex(header.texts.cast(pa.binary()), _PATTERN)
        ids = pc.binary_slice(header.texts, _FIRST, _END)
        texts = pc.if_else(is_one.fill_null(False), ids, pa.scalar(None, pa.binary()))
        return IdColumn(texts, header.is_sure)
