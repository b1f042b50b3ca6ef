"""The id header: the value of the request header that carries the id."""

from headcount.run.id_location import TRACEPARENT
from headcount.run.trace_context import span_id_of


def value_of(id_header: str, event_id: str) -> str:
    """Return the id, or for `traceparent` the W3C Trace Context whose trace-id it is."""
    return _trace_context(event_id) if is_traceparent(id_header) else event_id


def is_traceparent(id_header: str) -> bool:
    """Whether a header is that of W3C Trace Context."""
    return id_header.lower() == TRACEPARENT


def _trace_context(trace_id: str) -> str:
    """Return a `traceparent`: version, trace-id, the caller's span, and the flag for sampled."""
    return f"00-{trace_id}-{span_id_of(trace_id)}-01"
