"""Refusals: why a request cannot be accounted for, and which line of the scenario makes it."""

from headcount import scenario_location
from headcount.ledger.event_errors import why_not_comparable


def not_comparable(scenario_user: str, event: object, event_type: object, error: Exception) -> str:
    """Explain that an event cannot be compared."""
    reason = why_not_comparable(event, event_type, error)
    return f"{scenario_user}{_place()} passes an event= that cannot be compared: {reason}"


def without_event(scenario_user: str) -> str:
    """Explain that a request without an event has no id."""
    return (
        f"{scenario_user}{_place()} sends a request with EVENT_ID but no event=: only a request "
        "with event= has an id, so add event=, or leave out EVENT_ID"
    )


def _place() -> str:
    where = scenario_location.here()
    return "" if where is None else f" in {where.line} (task {where.entry})"
