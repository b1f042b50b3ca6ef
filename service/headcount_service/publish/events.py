"""Events: builds and encodes the messages for the topic. Pure functions.

An event is one JSON object: its own fields, and beside them the request's headers under their
original names. That is like `event.update(request.headers)`, but safe:

- a header cannot replace one of the event's own fields, nor look like one by its spelling;
- credentials stay out of the topic;
- the number and size of headers are limited.
"""

import functools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from headcount_service.catalogue import EVENT_FIELDS, load_catalogue
from headcount_service.errors import RequestError

Event = Mapping[str, Any]
"""An event's fields, with JSON values."""

CREDENTIALS = frozenset({"authorization", "cookie", "proxy_authorization"})

_TOO_LARGE = 431


@dataclass(frozen=True, slots=True)
class HeaderLimits:
    """Limits for a request's headers: their number, and the bytes of names and values."""

    count: int
    size_bytes: int


@functools.cache
def own_fields() -> frozenset[str]:
    """Return the names of all fields that are an event's own. Raises CatalogueError."""
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
    """Combine an event's own fields with the publishable headers.

    Raises:
        RequestError: 431, if the headers exceed the limits.
    """
    own: dict[str, Any] = {"event_type": event_type, **parameters}
    # The event's own fields come last, so that they win over any header that was not withheld.
    return {**publishable_headers(headers, limits), **own}


def publishable_headers(headers: Iterable[tuple[str, str]], limits: HeaderLimits) -> dict[str, str]:
    """Return the headers without those whose names are withheld from the topic.

    Raises:
        RequestError: 431, if the headers, withheld ones included, exceed the limits.
    """
    kept: dict[str, str] = {}
    withheld, size_bytes = _withheld(), 0
    for count, (name, value) in enumerate(headers, start=1):
        size_bytes += len(name) + len(value)  # WSGI's strings are latin-1: one character, one byte
        if count > limits.count or size_bytes > limits.size_bytes:
            raise RequestError(
                _TOO_LARGE,
                f"There must be at most {limits.count} headers, with at most {limits.size_bytes}"
                " bytes of names and values together.",
            )
        # A lenient reader may treat `Event-Type`, `EVENT_TYPE` and `event_type` as the same name.
        if name.lower().replace("-", "_") not in withheld:
            kept[name] = value
    return kept


def encode_event(event: Event) -> bytes:
    """Encode an event as compact JSON in strict UTF-8.

    Raises:
        ValueError: The event contains a lone surrogate or a non-finite number.
    """
    return _ENCODER.encode(event).encode("utf-8")


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
