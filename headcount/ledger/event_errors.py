"""Explains why an event cannot be compared, to the author of the scenario."""

from collections.abc import Mapping

REFUSED = (ValueError, TypeError, AttributeError, RecursionError)
"""Errors for an event that cannot be compared, or for a value that is not an event."""

_LONGEST = 120
_DIGEST_PHRASE = " cannot be compared: "
"""Left out of the digest's error texts: the sentence that quotes the reason already says it."""


def why_not_comparable(event: object, event_type: object, error: Exception) -> str:
    """Return the value and the rule that it breaks, or else the text of `error`."""
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
        return f"text must be Unicode without lone surrogates, got {_shown(error.object)}"
    reason = str(error).replace(_DIGEST_PHRASE, ": ", 1)
    return f"{reason} (event type {_shown(event_type)})"


def _shown(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _kind(value: object) -> str:
    return f"of type {type(value).__name__}"
