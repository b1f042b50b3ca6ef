"""Writes docs/options.md and docs/environment.md from the code; `--check` only compares."""

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
from headcount_service.settings import PREFIX, Settings

from headcount.cli.main import COMMANDS, cli
from headcount.environment_variables import VARIABLES

DOCS = Path(__file__).resolve().parent.parent / "docs"
HELP = "_click_default_help"  # click's own name for --help
WRITTEN_BY = "`python -m scripts.options` writes this page from the code."

OPTIONS_HEAD = f"""\
# Options

{WRITTEN_BY} `headcount COMMAND --help` shows the same in a terminal.
You can pass a *repeatable* option several times.
"""
PLUGIN_HEAD = """
## Locust with the plugin

These options are for plain Locust, as in `locust -f FILE --topic orders`, where the locustfile
imports `headcount.plugin`. `headcount run` and `headcount up` set them from their own options.
"""
ENVIRONMENT_HEAD = f"""\
# Environment variables

{WRITTEN_BY} An option on the command line overrides its variable.

## Options of headcount and of Locust

"""


def options_page() -> str:
    """The options of every command, and those that the plugin adds to Locust."""
    parts = [OPTIONS_HEAD]
    for command in _commands():
        context = click.Context(command, info_name=f"headcount {command.name}")
        parts += [f"\n## headcount {command.name}\n", f"\n{_paragraph(command.help)}\n"]
        parts += [f"\n```\n{command.get_usage(context)}\n```\n"]
        if rows := [row for option in _options(command) if (row := _click_row(context, option))]:
            parts += ["\n", *_table(("option", "meaning"), rows)]
    parts += [PLUGIN_HEAD, "\n"]
    parts += _table(("option", "default", "meaning"), map(_plugin_row, plugin_actions()))
    return "".join(parts)


def environment_page() -> str:
    """Every environment variable that a command, a generator or the service reads."""
    parts = [ENVIRONMENT_HEAD, *_table(("variable", "option"), _option_variables())]
    parts += ["\n## The machine\n\n", *_table(("variable", "meaning"), VARIABLES.items(), (0,))]
    parts += ["\n## The service\n\n", "A variable that begins with `SERVICE_` and is not listed "]
    parts += [
        "here is an error.\n\n",
        *_table(("variable", "default", "purpose", "rule"), _settings()),
    ]
    return "".join(parts)


def plugin_actions() -> list[argparse.Action]:
    """Return the options that the plugin adds to Locust, without hidden ones."""
    from locust.argument_parser import LocustArgumentParser  # noqa: PLC0415 - it patches Python

    from headcount.plugin.options import add_options  # noqa: PLC0415

    parser = LocustArgumentParser(add_help=False)
    add_options(parser)
    return [action for action in parser._actions if action.help != argparse.SUPPRESS]  # noqa: SLF001


def option_names() -> set[str]:
    """Every option that the pages may mention, without hidden ones."""
    commands = (
        name
        for command in (cli, *_commands())
        for option in _options(command)
        for name in option.opts
    )
    negated = (
        name
        for command in _commands()
        for option in _options(command)
        for name in option.secondary_opts
    )
    plugin = (name for action in plugin_actions() for name in action.option_strings)
    return {*commands, *negated, *plugin, "--help", "--version"}


def _commands() -> Iterator[click.Command]:
    context = click.Context(cli)
    for name in sorted(COMMANDS):
        command = cli.get_command(context, name)
        assert command is not None
        yield command


def _options(command: click.Command) -> list[click.Option]:
    parameters = command.get_params(click.Context(command))
    options = (parameter for parameter in parameters if isinstance(parameter, click.Option))
    return [option for option in options if not option.hidden and option.name != HELP]


def _click_row(context: click.Context, option: click.Option) -> tuple[str, str] | None:
    record = option.get_help_record(context)
    return record and (_code(record[0]), record[1])


def _plugin_row(action: argparse.Action) -> tuple[str, str, str]:
    text = (action.help or "").removeprefix("Headcount: ")
    default = "" if action.default in {None, "", False} else _code(str(action.default))
    return _code(action.option_strings[-1]), default, text


def _option_variables() -> list[tuple[str, str]]:
    owners: dict[tuple[str, str], list[str]] = {
        (str(option.envvar), option.opts[-1]): ["headcount"]
        for option in _options(cli)
        if option.envvar
    }
    for command in _commands():
        for option in _options(command):
            if option.envvar:
                key = (str(option.envvar), option.opts[-1])
                owners.setdefault(key, []).append(f"headcount {command.name}")
    for action in plugin_actions():
        if variable := getattr(action, "env_var", None):
            owners.setdefault((variable, action.option_strings[-1]), []).append("locust")
    return [
        (_code(variable), f"`{option}` of {', '.join(map(_code, names))}")
        for (variable, option), names in sorted(owners.items())
    ]


def _settings() -> Iterator[tuple[str, ...]]:
    for name, field in Settings.model_fields.items():
        value = field.default
        text = ",".join(value) if isinstance(value, tuple) else str(value)
        text = {"True": "on", "False": "off"}.get(text, text)
        variable = _code(f"{PREFIX}{name.upper()}")
        yield variable, _code(text) if text else "", field.title or "", field.description or ""


def _table(
    head: tuple[str, ...], rows: Iterable[tuple[str, ...]], code: tuple[int, ...] = ()
) -> Iterator[str]:
    yield f"| {' | '.join(head)} |\n|{'---|' * len(head)}\n"
    for row in rows:
        cells = (_code(text) if place in code else text for place, text in enumerate(row))
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def _code(text: str) -> str:
    return f"`{text}`"


def _paragraph(text: str | None) -> str:
    return "\n\n".join(" ".join(part.split()) for part in (text or "").split("\n\n"))


def main() -> int:
    """Write the pages, or with `--check` name the outdated ones."""
    pages = {"options.md": options_page(), "environment.md": environment_page()}
    outdated = [
        name
        for name, text in pages.items()
        if not (DOCS / name).is_file() or (DOCS / name).read_text("utf-8") != text
    ]
    if "--check" in sys.argv[1:]:
        if outdated:
            sys.stderr.write(f"outdated: {', '.join(outdated)}; run python -m scripts.options\n")
        return 1 if outdated else 0
    for name in outdated:
        (DOCS / name).write_text(pages[name], "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
