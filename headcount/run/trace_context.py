"""The header `traceparent` of W3C Trace Context, section 3.2: version, trace-id, parent, flags."""

import re
from dataclasses import dataclass

PATTERN = "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}"
"""What a header begins with; a later version may append to it."""

FIRST, END = 3, 35
"""The place of the trace-id."""

_HEADER = re.compile(PATTERN)
_SPAN_DIGITS = 16
_OTHER_SPAN = "0" * (_SPAN_DIGITS - 1) + "1"


def trace_id_of(header: str) -> str | None:
    """Return the trace-id of a header; None if it has another form."""
    return header[FIRST:END] if _HEADER.match(header) else None


def span_id_of(trace_id: str) -> str:
    """Return the id of the span that stands for a request in its trace: the caller's."""
    span_id = trace_id[-_SPAN_DIGITS:]
    return span_id if span_id.strip("0") else _OTHER_SPAN  # all zeros are not valid


@dataclass(frozen=True, slots=True)
class SpanIds:
    """The ids of a span: of its trace, and its own, both hexadecimal."""

    trace_id: str
    span_id: str


def parent_span(header: str) -> SpanIds | None:
    """Return the caller's span that a header names; None if it has another form, or is invalid."""
    if not _HEADER.match(header):
        return None
    parent = SpanIds(header[FIRST:END], header[END + 1 : END + 1 + _SPAN_DIGITS])
    is_valid = parent.trace_id.strip("0") and parent.span_id.strip("0")
    return parent if is_valid else None
