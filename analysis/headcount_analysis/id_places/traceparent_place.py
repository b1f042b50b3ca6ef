"""The trace-id in the record header `traceparent`, as in W3C Trace Context, section 3.2."""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from headcount.run.id_location import TRACEPARENT
from headcount.run.trace_context import END, FIRST, PATTERN, trace_id_of
from headcount_analysis.id_places.header_place import header_column, header_values
from headcount_analysis.id_places.id_place import IdColumn, SeenId, only
from headcount_analysis.messages.json_message import ParsedMessage
from headcount_analysis.messages.record import Record


@dataclass(frozen=True, slots=True)
class TraceparentPlace:
    """The trace-id that a service's instrumentation passes on to its records."""

    needs_headers: bool = True

    def seen(self, _message: ParsedMessage, record: Record) -> SeenId:
        """Return the trace-id; None if the header has another form."""
        values = header_values(record, TRACEPARENT)
        trace_ids = [trace_id_of(value.decode(errors="replace")) for value in values]
        texts = [trace_id for trace_id in trace_ids if trace_id is not None]
        return only(texts, f"in the record header {TRACEPARENT}")

    def column(self, messages: pa.RecordBatch) -> IdColumn:
        """Return the trace-id of each message."""
        header = header_column(messages["headers"], TRACEPARENT)
        is_one = pc.match_substring_regex(header.texts.cast(pa.binary()), PATTERN)
        ids = pc.binary_slice(header.texts, FIRST, END)
        texts = pc.if_else(is_one.fill_null(False), ids, pa.scalar(None, pa.binary()))
        return IdColumn(texts, header.is_sure)
