"""Option defaults: what an option file says, as the defaults of a command's parameters.

A command line overrides an environment variable, which overrides the file.
"""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import click

from headcount.cli.configuration.option_file import OptionFile
from headcount.errors import UsageError

_SCALARS = (str, int, float, bool)

NOT_IN_FILES = frozenset({"help", "version", "config", "run-id"})
"""Options that belong to one call of a command."""


def option_defaults(
    options: OptionFile,
    name: str,
    command: click.Command,
    other_names: Callable[[], set[str]],
) -> dict[str, Any]:
    """Return the defaults of a command's parameters, by parameter.

    Args:
        options: The file.
        name: The command's name.
        command: The command.
        other_names: Returns the options of all commands; called only if needed, since it imports
            them.

    Raises:
        UsageError: A name is unknown, or a value is not valid for its option.
    """
    parameters = parameters_of(command)
    own = options.by_command.get(name, {})
    for unknown in sorted(own.keys() - parameters.keys()):
        raise UsageError(_unknown(options, f"{name}.{unknown}", unknown, parameters))
    if strange := options.shared.keys() - parameters.keys():
        known = other_names()
        for unknown in sorted(strange - known):
            raise UsageError(_unknown(options, unknown, unknown, known))
    values = {**options.shared, **own}
    with click.Context(command) as scratch:
        return {
            parameter.name: _checked(options, option, parameter, values[option], scratch)
            for option, parameter in parameters.items()
            if option in values and parameter.name is not None
        }


def check_commands(options: OptionFile, names: Mapping[str, object]) -> None:
    """Raise UsageError for a table that is not named after a command."""
    for unknown in sorted(options.by_command.keys() - names.keys()):
        raise UsageError(
            f"[{unknown}] in {options.path} is not a command{suggestion(unknown, names)}: "
            f"a table holds the options of one command"
        )


def parameters_of(command: click.Command) -> dict[str, click.Parameter]:
    """Return a command's parameters by their names in an option file."""
    return {
        name: parameter
        for parameter in command.params
        for name in _names(parameter)
        if name not in NOT_IN_FILES
    }


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return a question in brackets for a mistyped name; empty if no known name is similar."""
    close = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _names(parameter: click.Parameter) -> Iterator[str]:
    """Yield the name of an argument, or the longest name of an option, without its hyphens."""
    if isinstance(parameter, click.Option):
        yield max(parameter.opts, key=len).lstrip("-")
    elif parameter.name is not None:
        yield parameter.name


def _checked(
    options: OptionFile, name: str, parameter: click.Parameter, value: Any, scratch: click.Context
) -> Any:
    """Return a value in the form that the parameter takes. UsageError if it is not valid."""
    place = f"{name} in {options.path}"
    values = value if isinstance(value, list) else [value]
    if isinstance(value, list) and not parameter.multiple:
        raise UsageError(f"{place} takes one value, not a list")
    if not all(isinstance(part, _SCALARS) for part in values):
        raise UsageError(f"{place} must be a string, a number, true or false")
    is_flag = isinstance(parameter, click.Option) and parameter.is_flag
    if not all(isinstance(part, bool) == is_flag for part in values):
        wanted = "true or false" if is_flag else "a string or a number"
        raise UsageError(f"{place} must be {wanted}, not {_shown(value)}")
    texts = [str(part) for part in values]
    taken = value if is_flag else texts if parameter.multiple else texts[0]
    try:
        parameter.process_value(scratch, taken)
    except click.BadParameter as error:
        raise UsageError(f"{place}: {error.message}") from None
    return taken


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _unknown(options: OptionFile, place: str, name: str, known: Iterable[str]) -> str:
    if name in NOT_IN_FILES:
        return (
            f"{place} in {options.path} belongs on the command line, because it differs from call "
            "to call"
        )
    return f"{place} in {options.path} is not an option{suggestion(name, known)}"
