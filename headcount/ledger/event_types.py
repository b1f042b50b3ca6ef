"""Event types: the names by which attempts are counted, and those that the report needs itself."""

import functools

UNKNOWN = "(unknown)"
"""Counts attempts without a row, and messages whose event type was not requested."""

TOTAL = "total"
"""Counts all event types together."""

RESERVED = {
    UNKNOWN: "attempts and messages whose event type is unknown",
    TOTAL: "the sum of all event types",
}
"""What each reserved name counts."""

REMEDY = "choose another with event_type="


@functools.lru_cache(maxsize=4096)
def check_event_type(event_type: str) -> None:
    """Raise ValueError for a name that is empty, not Unicode, or that the report uses itself.

    Raises AttributeError or TypeError for a value that is not a text.
    """
    event_type.encode()
    if not event_type:
        raise ValueError(f"the event type is empty: {REMEDY}")
    if event_type in RESERVED:
        raise ValueError(f"{why_reserved(event_type)}: {REMEDY}")


def why_reserved(event_type: str) -> str:
    """Say what a reserved name counts."""
    return f"the event type {event_type} is reserved for {RESERVED[event_type]}"
