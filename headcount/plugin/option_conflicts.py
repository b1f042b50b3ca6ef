"""Option conflicts: a locustfile must not define an option that the plugin or Locust defines."""

import argparse
from collections.abc import Callable
from typing import Any

from locust import events
from locust.argument_parser import LocustArgumentParser
from locust.event import EventHook

from headcount.errors import UsageError


class _Hook(EventHook):
    """Locust's hook, except that a failure to add options ends the process."""

    def fire(self, *, reverse: bool = False, **kwargs: Any) -> None:
        """Call the listeners; a duplicate option ends the process."""
        listeners = self._handlers
        self._handlers = [_strict(each, kwargs["parser"]) for each in listeners]
        try:
            super().fire(reverse=reverse, **kwargs)  # type: ignore[no-untyped-call]
        finally:
            self._handlers = listeners


def listen(add_options: Callable[[LocustArgumentParser], None]) -> None:
    """Register a function that adds options to Locust's command line."""
    hook = events.init_command_line_parser
    hook.__class__ = _Hook  # keeps the listeners registered so far
    hook.add_listener(add_options)


def _strict(listener: Callable[..., None], parser: LocustArgumentParser) -> Callable[..., None]:
    def add(**kwargs: Any) -> None:
        try:
            listener(**kwargs)
        except argparse.ArgumentError as error:
            parser.exit(UsageError.exit_code, f"headcount: {_conflict(error)}\n")

    return add


def _conflict(error: argparse.ArgumentError) -> str:
    return (
        f"the locustfile adds the option {error.argument_name}, which Headcount or Locust already "
        f"defines ({error.message}): rename it, or leave it out and read "
        "environment.parsed_options"
    )
