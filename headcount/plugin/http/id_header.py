"""The id header: the value of the request header that carries the id."""

from headcount.run.id_location import TRACEPARENT

SPAN_DIGITS = 16
_OTHER_SPAN = "0" * (SPAN_DIGITS - 1) + "1"


def value_of(id_header: str, event_id: str) -> str:
    """Return the id, or for `traceparent` the W3C Trace Context whose trace-id it is."""
    return _trace_context(event_id) if is_traceparent(id_header) else event_id


def is_traceparent(id_header: str) -> bool:
    """Whether a header is that of W3C Trace Context."""
    return id_header.lower() == TRACEPARENT


def _trace_context(trace_id: str) -> str:
    """Format version, trace-id, the caller's span, and that the caller samples."""
    span_id = trace_id[-SPAN_DIGITS:]
    if not span_id.strip("0"):  # which is not valid
        span_id = _OTHER_SPAN
    return f"00-{trace_id}-{span_id}-01"
