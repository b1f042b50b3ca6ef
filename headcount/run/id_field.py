"""The field of an event that holds the id: checks its name."""

import unicodedata

from headcount.errors import UsageError

LONGEST = 100
_OPTION = "--event-id-field"


def check_id_field(name: str) -> str:
    """Return the name of a top-level field. UsageError if no field can have it."""
    if not name:
        raise UsageError(f"{_OPTION} must name a field of the event, such as request_id; got ''")
    if len(name) > LONGEST:
        raise UsageError(
            f"{_OPTION} must be at most {LONGEST} characters, got {len(name)}: {name[:20]!r}…"
        )
    if any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in name) or name != name.strip():
        raise UsageError(
            f"{_OPTION} must have no control characters and no space around it, got {name!r}"
        )
    if name.startswith("/"):
        raise UsageError(
            f"{_OPTION} names a top-level field and takes no path, got {name!r}: let the service "
            "write the id into a field of the event itself"
        )
    return name
