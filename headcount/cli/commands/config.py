"""`headcount config`: the options that apply to a command, and where each is set."""

from collections.abc import Mapping
from typing import Any

import click
from rich.table import Table

from headcount.cli.configuration.option_defaults import parameters_of, suggestion
from headcount.cli.configuration.option_file import OptionFile
from headcount.cli.configuration.option_source import DEFAULT, option_source
from headcount.cli.main import COMMANDS, Commands, defaults_from
from headcount.cli.options.groups import grouped_command
from headcount.console import Console
from headcount.errors import UsageError
from headcount.run.address import without_secrets

_EXAMPLES = """
\b
Examples:
  headcount config                       the options of `headcount run`
  headcount config up                    those of another command
  headcount config run --users 50        as they would be with this command line
"""


@grouped_command(
    epilog=_EXAMPLES,
    settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument("command", default="run")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def config(ctx: click.Context, command: str, arguments: tuple[str, ...]) -> None:
    """Show the options that apply to COMMAND, and where each is set.

    The command line overrides the environment, which overrides headcount.toml, or the table
    [tool.headcount] of pyproject.toml.
    """
    group = ctx.find_root().command
    assert isinstance(group, Commands)
    target = group.get_command(ctx, command)
    if target is None:
        hint = suggestion(command, COMMANDS) or f": choose from {', '.join(COMMANDS)}"
        raise UsageError(f"there is no command {command!r}{hint}")
    options = ctx.find_object(OptionFile)
    defaults = {} if options is None else defaults_from(options, ctx, command)
    called = target.make_context(
        *(command, list(arguments)), parent=None, obj=options, default_map=defaults
    )
    Console().result(_table(target, called))


def _table(command: click.Command, called: click.Context) -> Table:
    table = Table("option", "value", "set by", box=None, pad_edge=False, header_style="bold")
    for name, parameter in parameters_of(command).items():
        assert parameter.name is not None
        text = _shown(called.params[parameter.name]) or _static_default(parameter)
        source = option_source(called, parameter)
        table.add_row(name, text, source, style="dim" if source == DEFAULT else "")
    return table


def _static_default(parameter: click.Parameter) -> str:
    """Return the words in which the help describes a default; empty if it has none."""
    shown = getattr(parameter, "show_default", None)
    return shown if isinstance(shown, str) else ""


def _shown(value: Any) -> str:
    """Format a value as on a command line, without what may be secret in a URL."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={_shown(part)}" for name, part in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_shown, value))
    return "" if value is None else without_secrets(str(getattr(value, "text", value)))
