"""The help of every command lists its options in groups, one line each."""

import re

import click
import pytest

from headcount.cli.main import COMMANDS, cli
from headcount.cli.options.groups import HELP_WIDTH, GroupedOption, OptionGroup, group_of

_HEADING = re.compile(rf"^({'|'.join(OptionGroup)}):$")


def command_of(name: str) -> click.Command:
    """Return a command of the command line."""
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    return command


def context_of(command: click.Command) -> click.Context:
    """Return a context with a wide terminal."""
    context = click.Context(
        command, terminal_width=HELP_WIDTH, help_option_names=["-h", "--help"], info_name="x"
    )
    context.max_content_width = HELP_WIDTH
    return context


def sections_of(text: str) -> dict[str, list[str]]:
    """Return the lines of each group of a help text."""
    sections: dict[str, list[str]] = {}
    heading = ""
    for line in text.splitlines():
        if match := _HEADING.match(line):
            heading = match[1]
        elif not line.startswith("  "):
            heading = ""
        elif heading:
            sections.setdefault(heading, []).append(line)
    return sections


def options_of(command: click.Command, context: click.Context) -> list[click.Option]:
    """Return the options of a command, without its arguments."""
    parameters = command.get_params(context)
    return [parameter for parameter in parameters if isinstance(parameter, click.Option)]


@pytest.mark.parametrize("name", COMMANDS)
def test_each_option_stands_in_a_group(name: str) -> None:
    """It is created with a group, or is --help; help has no heading for others."""
    command = command_of(name)
    context = context_of(command)
    options = options_of(command, context)
    assert all(
        isinstance(parameter, GroupedOption) or "--help" in parameter.opts for parameter in options
    )
    assert "\nOptions:" not in command.get_help(context)
    sections = sections_of(command.get_help(context))
    for option in options:
        lines = sections[group_of(option)]
        assert any(re.search(rf"(^|[ ,/]){option.opts[-1]}\b", line) for line in lines), option.opts


@pytest.mark.parametrize("name", COMMANDS)
def test_each_option_is_explained_in_a_line(name: str) -> None:
    """On a wide terminal, each option has exactly one line, and a sentence."""
    command = command_of(name)
    context = context_of(command)
    options = options_of(command, context)
    sections = sections_of(command.get_help(context))
    lines = [line for lines in sections.values() for line in lines]
    assert len(lines) == len(options), lines
    for option in options:
        assert option.help, option.opts
        assert "\n" not in option.help


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_shows_examples(name: str) -> None:
    """They follow its options."""
    assert re.search(
        r"^ *Examples?:\n +headcount ",
        command_of(name).get_help(context_of(command_of(name))),
        re.MULTILINE,
    )


def test_groups_come_in_their_order() -> None:
    """Whatever the order of the decorators."""
    sections = sections_of(command_of("run").get_help(context_of(command_of("run"))))
    assert list(sections) == [group for group in OptionGroup if group is not OptionGroup.FILTER]


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (["--run-time", "soon"], "--run-time"),
        (["--users", "0"], "--users"),
        (["--allow", "lost"], "--allow"),
        (["--threshold", "p99"], "--threshold"),
        (["--thresholds", "/no/file"], "--thresholds"),
        (["--settle", "soon"], "--settle"),
        (["--database-url", "mysql://x"], "--database-url"),
        (["--outcome", "200 = maybe"], "--outcome"),
        (["--id-header", "Host"], "--id-header"),
        (["--id-form", "hex"], "--id-form"),
        (["--id-at", "/a/b"], "--id-at"),
        (["--format", "xml"], "--format"),
        (["--compare-at", "data"], "--compare-at"),
        (["--schema-registry", "registry"], "--schema-registry"),
    ],
)
def test_an_error_names_the_option(arguments: list[str], option: str) -> None:
    """The error message names the option with the wrong value."""
    with pytest.raises(click.BadParameter) as raised:
        command_of("run").make_context("run", [*arguments])
    assert option in raised.value.format_message()
