"""Events: what the topic holds for a request. Pure functions, from values to values.

An event is one JSON object: the event's own fields, and beside them the request's headers, under
the names that they came with. That is what `event.update(request.headers)` gives, with the holes
in it closed:

- a header can neither replace an event's own field nor pass for one, whatever its spelling;
- credentials stay out of the topic;
- what cannot be bounded elsewhere, the number and the size of headers, is bounded here.
"""

import functools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from headcount_service.catalogue import EVENT_FIELDS, load_catalogue
from headcount_service.errors import RequestError

Event = Mapping[str, Any]
"""An event's fields, each of which is a value that JSON has."""

CREDENTIALS = frozenset({"authorization", "cookie", "proxy_authorization"})

_TOO_LARGE = 431


@dataclass(frozen=True, slots=True)
class HeaderLimits:
    """How much of a request's headers is taken: their number, and the bytes of names and values."""

    count: int
    size_bytes: int


@functools.cache
def own_fields() -> frozenset[str]:
    """The names of all fields that events have of their own. Raises CatalogueError."""
    return EVENT_FIELDS | frozenset(load_catalogue().attributes)


@functools.cache
def _withheld() -> frozenset[str]:
    return own_fields() | CREDENTIALS


def build_event(
    event_type: str,
    parameters: Mapping[str, Any],
    headers: Iterable[tuple[str, str]],
    limits: HeaderLimits,
) -> Event:
    """Join an event's own fields with the headers that may stand beside them.

    Raises:
        RequestError: 431, when the headers exceed the limits.
    """
    own: dict[str, Any] = {"event_type": event_type, **parameters}
    # The event's own fields come last: even a name that the rule below let through loses to them.
    return {**publishable_headers(headers, limits), **own}


def publishable_headers(headers: Iterable[tuple[str, str]], limits: HeaderLimits) -> dict[str, str]:
    """The headers that may reach the topic; those with a withheld name are left out.

    Raises:
        RequestError: 431, when the headers exceed the limits, counted before any is left out.
    """
    kept: dict[str, str] = {}
    withheld, size_bytes = _withheld(), 0
    for count, (name, value) in enumerate(headers, start=1):
        size_bytes += len(name) + len(value)  # WSGI's strings are latin-1: one character, one byte
        if count > limits.count or size_bytes > limits.size_bytes:
            raise RequestError(
                _TOO_LARGE,
                f"The headers must be at most {limits.count}, and at most {limits.size_bytes}"
                " bytes of names and values together.",
            )
        # `Event-Type`, `EVENT_TYPE` and `event_type` are one name to a careless reader.
        if name.lower().replace("-", "_") not in withheld:
            kept[name] = value
    return kept


def encode_event(event: Event) -> bytes:
    """Compact JSON in strict UTF-8.

    Raises:
        ValueError: for what neither allows, a lone surrogate or a number that is not finite.
    """
    return _ENCODER.encode(event).encode("utf-8")


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
