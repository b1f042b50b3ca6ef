"""The header `traceparent` of W3C Trace Context, section 3.2: version, trace-id, parent, flags."""

import re

PATTERN = "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}"
"""What a header begins with; a later version may append to it."""

FIRST, END = 3, 35
"""The place of the trace-id."""

_HEADER = re.compile(PATTERN)


def trace_id_of(header: str) -> str | None:
    """Return the trace-id of a header; None if it has another form."""
    return header[FIRST:END] if _HEADER.match(header) else None
