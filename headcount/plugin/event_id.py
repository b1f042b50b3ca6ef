"""EVENT_ID: stands for a request's id wherever a scenario writes it into the request.

    self.client.post("/orders", json={"order_id": EVENT_ID}, event={"order_id": EVENT_ID})
    self.client.put(f"/orders/{EVENT_ID}", json=order, event=order)

It is a text that occurs nowhere else, and that JSON, forms, URLs and headers all write unchanged.
So a request is written as usual, and once its id is reserved, the id replaces the text. In a URL,
`{event_id}` stands for it as well, which is also how Locust's statistics show it.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final


class EventIdText(str):
    """The text that stands for the id."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Show its name."""
        return "EVENT_ID"


SIGN: Final = "~"
"""The first character of EVENT_ID; rare in other texts, and found fast."""
MARK: Final = f"{SIGN}event-id-7c41f09b3ad26e85"
MARK_BYTES: Final = MARK.encode()
IN_URL: Final = "{event_id}"
EVENT_ID: Final = EventIdText(MARK)
_WITHOUT_ID = frozenset({int, float, bool, type(None)})


def has_mark(value: object) -> bool:
    """Whether EVENT_ID is in a text, in bytes, or anywhere in a container, its keys included."""
    if isinstance(value, str):
        return MARK in value
    if isinstance(value, list | tuple):
        return any_has_mark(value)
    if isinstance(value, Mapping):
        return any_has_mark(value) or any_has_mark(value.values())
    return isinstance(value, bytes) and MARK_BYTES in value


def any_has_mark(values: Iterable[object]) -> bool:
    """Whether EVENT_ID is in any of these values; fast, since a long event has many of them."""
    for value in values:
        kind = value.__class__
        if kind is str:
            if MARK in value:  # type: ignore[operator] # it is a text
                return True
        elif kind not in _WITHOUT_ID and has_mark(value):
            return True
    return False


def with_id(value: Any, event_id: str) -> Any:
    """Return a copy of a value with the id in place of EVENT_ID; without any, the value itself."""
    return _with_id(value, event_id) if has_mark(value) else value


def _with_id(value: Any, event_id: str) -> Any:
    match value:
        case str():
            return value.replace(MARK, event_id)
        case bytes():
            return value.replace(MARK_BYTES, event_id.encode())
        case Mapping():
            return {
                _with_id(key, event_id): _with_id(item, event_id) for key, item in value.items()
            }
        case list():
            return [_with_id(item, event_id) for item in value]
        case tuple():
            return tuple(_with_id(item, event_id) for item in value)
        case _:
            return value


def shown(text: Any) -> Any:
    """Return a URL or a name with `{event_id}` in place of EVENT_ID."""
    return with_id(text, IN_URL)
