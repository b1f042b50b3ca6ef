"""Locust's event hooks, where a listener must come before those already registered."""

from collections.abc import Callable
from typing import Any

from locust.event import EventHook

Listener = Callable[..., None]


class WrappingHook(EventHook):
    """A hook that passes each listener through `wrap` whenever it fires."""

    def fire(self, *, reverse: bool = False, **kwargs: Any) -> None:
        """Call the wrapped listeners."""
        listeners = self._handlers
        self._handlers = [self.wrap(listener, kwargs) for listener in listeners]
        try:
            super().fire(reverse=reverse, **kwargs)  # type: ignore[no-untyped-call]
        finally:
            self._handlers = listeners

    def wrap(self, listener: Listener, arguments: dict[str, Any]) -> Listener:
        """Return what to call in a listener's place; `arguments` are those it is fired with."""
        raise NotImplementedError


def move_to_front(hook: EventHook, listener: Listener) -> None:
    """Register a listener, or move it, before all others; Locust can only append."""
    handlers = hook._handlers  # noqa: SLF001
    if listener in handlers:
        handlers.remove(listener)
    handlers.insert(0, listener)
