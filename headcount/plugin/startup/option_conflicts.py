"""Option conflicts: a locustfile must not define an option that the plugin or Locust defines."""

import argparse
from collections.abc import Callable
from typing import Any

from locust import events
from locust.argument_parser import LocustArgumentParser

from headcount.errors import UsageError
from headcount.plugin.event_hooks import Listener, WrappingHook


class _StrictHook(WrappingHook):
    """Ends the process if a listener adds an option that exists already."""

    def wrap(self, listener: Listener, arguments: dict[str, Any]) -> Listener:
        """Return the listener with its argparse errors reported."""
        return _strict(listener, arguments["parser"])


def listen(add_options: Callable[[LocustArgumentParser], None]) -> None:
    """Register a function that adds options to Locust's command line."""
    hook = events.init_command_line_parser
    hook.__class__ = _StrictHook  # keeps the listeners registered so far
    hook.add_listener(add_options)


def _strict(listener: Listener, parser: LocustArgumentParser) -> Listener:
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
