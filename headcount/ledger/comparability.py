"""The refusal: why an event cannot be compared, in the words of a scenario's author."""

from collections.abc import Mapping

REFUSED = (ValueError, TypeError, AttributeError, RecursionError)
"""What is raised by an event that cannot be compared: by its digest, or for it is no event."""

_LONGEST = 120
_SAID = " cannot be compared: "
"""What the digest says, and the sentence around this reason too."""


def why_not_comparable(event: object, event_type: object, error: Exception) -> str:
    """Name the value and the rule that it breaks; what `error` says where no other rule is."""
    if not isinstance(event, Mapping):
        return (
            f"event= must be a mapping of field names to values, got {_shown(event)}, "
            f"{_kind(event)}"
        )
    for name in event:
        if not isinstance(name, str):
            return f"a field's name must be text, got {_shown(name)}, {_kind(name)}"
    if not isinstance(event_type, str):
        rule = "event_type= must be text"
        return f"{rule}, got {_shown(event_type)}, {_kind(event_type)}"
    if isinstance(error, UnicodeEncodeError):
        return f"a text must be Unicode without lone surrogates, got {_shown(error.object)}"
    reason = str(error).replace(_SAID, ": ", 1)
    return f"{reason} (event type {_shown(event_type)})"


def _shown(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _kind(value: object) -> str:
    return f"of type {type(value).__name__}"
