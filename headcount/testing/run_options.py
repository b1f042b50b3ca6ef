"""Options of a run from Python: checked as in an option file, and turned into a command line."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click

from headcount.cli.commands.run import run as command
from headcount.cli.configuration.option_defaults import (
    NOT_IN_FILES,
    checked_value,
    parameters_of,
    suggestion,
)
from headcount.errors import UsageError

OptionValue = str | int | float | bool | Path | Sequence[str]
"""The value of an option.

It is True or False for an option without a value, and a sequence for a repeatable option.
"""


def run_arguments(
    named: Mapping[str, OptionValue | None], options: Mapping[str, OptionValue]
) -> list[str]:
    """Return the command line for options of `headcount run`.

    Args:
        named: Options that have an argument of their own in the call; None for one that is not set.
        options: The others, by name.

    Raises:
        UsageError: A name is unknown, is in both mappings, or has a value that is not valid.
    """
    known = {
        name: parameter
        for name, parameter in parameters_of(command).items()
        if isinstance(parameter, click.Option)
    }
    for name in options:
        if name not in known:
            raise UsageError(_unknown(name, known))
        if named.get(name):
            raise UsageError(f"{name} is in options, but the call has an argument for it: use that")
    every = {name: value for name, value in {**named, **options}.items() if value is not None}
    with click.Context(command) as scratch:
        return [
            argument
            for name, value in every.items()
            for argument in _arguments(name, known[name], value, scratch)
        ]


def locust_arguments(options: Sequence[str]) -> list[str]:
    """Return options of Locust. UsageError if they are one string."""
    if isinstance(options, str):
        raise UsageError(
            f"locust_options must be a sequence of strings, such as ('--tags', 'checkout'), "
            f"got {options!r}"
        )
    return list(options)


def _unknown(name: str, known: Mapping[str, click.Option]) -> str:
    if name in NOT_IN_FILES:
        return f"the option {name} cannot be set here, because it differs from call to call"
    bare = str(name).lstrip("-").replace("_", "-")
    return f"{name!r} is not an option of headcount run{suggestion(bare, known)}"


def _arguments(
    name: str, option: click.Option, value: OptionValue, scratch: click.Context
) -> Iterator[str]:
    if isinstance(value, Sequence) and not isinstance(value, str):
        plain: object = [*map(_plain, value)]
    else:
        plain = _plain(value)
    checked = checked_value(f"the option {name}", option, plain, scratch)
    written = max(option.opts, key=len)
    if checked is True:
        yield written
    elif checked is False:
        yield _negation(name, option)
    else:
        for text in checked if isinstance(checked, list) else [checked]:
            # A value that begins with a hyphen must not be read as an option.
            yield f"{written}={text}" if written.startswith("--") else f"{written}{text}"


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Path) else value


def _negation(name: str, option: click.Option) -> str:
    if not option.secondary_opts:
        raise UsageError(f"the option {name} cannot be False: it has no negation, so leave it out")
    return max(option.secondary_opts, key=len)
