"""The field of an event that holds the id: checks its name, and finds it in an event."""

import functools
import unicodedata
from collections.abc import Mapping

from headcount.errors import UsageError
from headcount.run.ids import HEADER

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


@functools.lru_cache(maxsize=128)
def id_names(names: tuple[str, ...], id_field: str) -> tuple[str, ...]:
    """Select the fields of an event that hold the id.

    Header names are case-insensitive, and frameworks have their own spellings: `x-event-id`,
    `X_EVENT_ID`, and WSGI's `HTTP_X_EVENT_ID`. A field that the user named must match exactly.
    """
    if not is_header(id_field):
        return (id_field,) if id_field in names else ()
    return tuple(filter(is_header, names))


def is_header(name: str) -> bool:
    """Whether a field's name is a spelling of the id header's name."""
    return name.casefold().replace("_", "-").removeprefix("http-") == HEADER.casefold()


def check_without_id(event: Mapping[str, object], id_field: str) -> None:
    """Raise ValueError if an event requests a value for the field that holds the id."""
    names = id_names(tuple(event), id_field)
    if names:
        raise ValueError(
            f"the service writes the request's id into the field {names[0]}: leave it out of "
            f"event=, or name another field with {_OPTION}"
        )
