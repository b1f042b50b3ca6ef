"""Id locations: where a message carries the id of the request that caused it.

- `field:NAME`: a field at the top level of the event,
- `json:/a/b`: a value anywhere in the decoded message, by JSON pointer (RFC 6901),
- `header:NAME`: a record header,
- `key`: the record's key,
- `traceparent`: the trace-id in the record header `traceparent` (W3C Trace Context),
- `PLACE:ARGUMENT`: a place that another package provides (entry points of PLACES_GROUP).
"""

import functools
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import entry_points
from typing import assert_never

from headcount.errors import UsageError
from headcount.json_pointer import steps_of
from headcount.run.id_form import IdForm
from headcount.run.ids import HEADER

TRACEPARENT = "traceparent"
PLACES_GROUP = "headcount.id_places"
"""The group of entry points with which a package adds places."""

LONGEST = 100
_OPTION = "--id-at"
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_FORMS = "field:NAME, json:/POINTER, header:NAME, key or traceparent"


class LocationKind(StrEnum):
    """The kind of location."""

    FIELD = "field"
    JSON = "json"
    HEADER = "header"
    KEY = "key"
    TRACEPARENT = TRACEPARENT


_NAMED = frozenset({LocationKind.FIELD, LocationKind.JSON, LocationKind.HEADER})


@dataclass(frozen=True, slots=True)
class IdLocation:
    """Where messages carry the id; `name` is a field, a JSON pointer or a record header.

    For a place that another package provides, `kind` is its name and `name` its argument.
    """

    kind: LocationKind | str = LocationKind.FIELD
    name: str = HEADER

    def __str__(self) -> str:
        """Format it as the option takes it."""
        return f"{self.kind}:{self.name}" if self.name else str(self.kind)

    @property
    def phrase(self) -> str:
        """Describe it, for use in a sentence."""
        match self.kind:
            case LocationKind.FIELD:
                return f"in the top-level field {self.name}"
            case LocationKind.JSON:
                return f"at {self.name}"
            case LocationKind.HEADER | LocationKind.TRACEPARENT:
                return f"in the record header {self.name or TRACEPARENT}"
            case LocationKind.KEY:
                return "in the record's key"
        return f"at the place {self}"

    @property
    def is_in_value(self) -> bool:
        """Whether it is in the message's value."""
        return self.kind in {LocationKind.FIELD, LocationKind.JSON}

    @property
    def is_in_headers(self) -> bool:
        """Whether it is in the record's headers."""
        return self.kind in {LocationKind.HEADER, LocationKind.TRACEPARENT}

    @property
    def path(self) -> tuple[str, ...]:
        """The steps of a JSON pointer."""
        return steps_of(self.name) if self.kind is LocationKind.JSON else ()


def parse_location(text: str) -> IdLocation:
    """Parse a location. UsageError if no message can carry an id there."""
    kind_text, separator, name = text.partition(":")
    if kind_text in _added_places():
        return IdLocation(kind_text, name)
    if kind_text not in set(LocationKind) or (not separator) == (kind_text in _NAMED):
        raise UsageError(f"{_OPTION} must be {_FORMS}, got {text!r}")
    kind = LocationKind(kind_text)
    if kind in _NAMED:
        _check_name(kind, name)
    return IdLocation(kind, name)


def _added_places() -> set[str]:
    """Return the places of other packages, none of which replaces a built-in one."""
    names = {entry_point.name for entry_point in entry_points(group=PLACES_GROUP)}
    return names.difference(LocationKind)


def default_location(id_header: str) -> IdLocation:
    """Return the default location of ids: where services usually put what `id_header` carries."""
    if id_header.lower() == TRACEPARENT:
        return IdLocation(LocationKind.TRACEPARENT, "")
    return IdLocation(LocationKind.FIELD, id_header)


def default_header(form: IdForm) -> str:
    """Return the request header that carries ids by default."""
    match form:
        case IdForm.PLAIN | IdForm.UUID:
            return HEADER
        case IdForm.TRACE:
            return TRACEPARENT
        case _:
            assert_never(form)


def check_id_header(name: str) -> str:
    """Check the name of a request header, and return it. UsageError if it is invalid."""
    if not _HEADER_NAME.fullmatch(name):
        raise UsageError(f"--id-header must be the name of an HTTP header, got {name!r}")
    return name


def _check_name(kind: LocationKind, name: str) -> None:
    if not name:
        raise UsageError(f"{_OPTION} must name where the id is, such as {_FORMS}; got {kind}:")
    if len(name) > LONGEST:
        raise UsageError(
            f"{_OPTION} must be at most {LONGEST} characters, got {len(name)}: {name[:20]!r}…"
        )
    if any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in name) or name != name.strip():
        raise UsageError(
            f"{_OPTION} must have no control characters and no space around it, got {name!r}"
        )
    if (kind is LocationKind.JSON) != name.startswith("/"):
        raise UsageError(
            f"{_OPTION} takes a JSON pointer as json:/a/b, and a top-level field as field:NAME; "
            f"got {kind}:{name}"
        )


@functools.lru_cache(maxsize=128)
def id_names(names: tuple[str, ...], id_field: str, id_header: str = HEADER) -> tuple[str, ...]:
    """Select the fields of an event that hold the id.

    Header names are case-insensitive, and frameworks have their own spellings: `x-event-id`,
    `X_EVENT_ID`, and WSGI's `HTTP_X_EVENT_ID`. A field that the user named must match exactly.
    """
    if not is_spelling(id_field, id_header):
        return (id_field,) if id_field in names else ()
    return tuple(name for name in names if is_spelling(name, id_header))


def is_spelling(name: str, id_header: str) -> bool:
    """Whether a field's name is a spelling of the id header's name."""
    return _normalized(name) == _normalized(id_header)


def _normalized(name: str) -> str:
    return name.casefold().replace("_", "-").removeprefix("http-")


def check_without_id(
    event: Mapping[str, object], location: IdLocation, id_header: str = HEADER
) -> None:
    """Raise ValueError if an event contains the field into which the service writes the id."""
    names = (
        id_names(tuple(event), location.name, id_header)
        if location.kind is LocationKind.FIELD
        else ()
    )
    if names:
        raise ValueError(
            f"the service writes the request's id into the field {names[0]}: leave it out of "
            f"event=, or name another location with {_OPTION}"
        )
