"""Option sources: where each option of a command is set, for `headcount config` and for errors."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from click.core import ParameterSource

from headcount.cli.configuration.option_file import OptionFile
from headcount.errors import HeadcountError

COMMAND_LINE, DEFAULT = "command line", "default"

_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*[a-z]|(?<![\w-])-[A-Za-z]\b")


def option_source(ctx: click.Context, parameter: click.Parameter) -> str:
    """Return what sets a parameter: COMMAND_LINE, a variable's name, a file's path or DEFAULT."""
    assert parameter.name is not None
    match ctx.get_parameter_source(parameter.name):
        case ParameterSource.COMMANDLINE:
            return COMMAND_LINE
        case ParameterSource.ENVIRONMENT:
            return str(parameter.envvar)
        case ParameterSource.DEFAULT_MAP:
            options = ctx.find_object(OptionFile)
            return "" if options is None else str(options.path)
        case _:
            return DEFAULT


@contextmanager
def naming_sources(ctx: click.Context) -> Iterator[None]:
    """Make a command's error say which variable or file sets the options that it is about.

    Otherwise nobody would look there for a mistake, because the command line does not show it.
    """
    try:
        yield
    except click.BadParameter as error:
        sources = "" if error.param is None else _sources(ctx, [error.param])
        if not sources:
            raise
        message = f"{error.message}{sources}"
        raise click.BadParameter(message, error.ctx, error.param, error.param_hint) from None
    except HeadcountError as error:
        error.args = (f"{error}{_sources(ctx, _named_in(ctx, str(error)))}",)
        raise


def _named_in(ctx: click.Context, message: str) -> list[click.Parameter]:
    """Return the parameters that a message names, or whose value it quotes."""
    names = set(_OPTION.findall(message))
    return [
        parameter
        for parameter in ctx.command.params
        if names.intersection(parameter.opts)
        or _quotes(message, ctx.params.get(parameter.name or ""))
    ]


def _quotes(message: str, value: object) -> bool:
    values = value if isinstance(value, tuple) else (value,)
    texts = [str(part) for part in values if isinstance(part, str | Path) and str(part)]
    return any(re.search(rf"(?<!\w){re.escape(text)}(?!\w)", message) for text in texts)


def _sources(ctx: click.Context, parameters: list[click.Parameter]) -> str:
    """Return, in brackets, the variable or file that sets each parameter; empty if none does."""
    sources = [
        f"{max(parameter.opts, key=len)} is set by {source}"
        for parameter in parameters
        if (source := option_source(ctx, parameter)) not in {COMMAND_LINE, DEFAULT, ""}
    ]
    return f" ({', '.join(sources)})" if sources else ""
