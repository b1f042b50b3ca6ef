"""`headcount init`: writes the first files of a project, for its scenario, options and CI job."""

import functools
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
from click.core import ParameterSource

from headcount.cli.configuration.option_file import FILE, PROJECT_FILE, OptionFile
from headcount.cli.options.groups import OptionGroup, grouped_command, grouped_option
from headcount.cli.options.target_options import check_host
from headcount.cli.scaffold.answers import (
    BODILESS,
    METHODS,
    CiSystem,
    ProjectAnswers,
    parse_body,
    parse_brokers,
    parse_new_topic,
    parse_path,
    parse_start,
)
from headcount.cli.scaffold.files import project_files
from headcount.console import Console
from headcount.errors import UsageError
from headcount.files import write_atomically

LOCUSTFILE = "locustfile.py"
_KEPT_TABLE = f"Kept     {PROJECT_FILE}: its table [tool.headcount] holds the options"

_EXAMPLES = """
\b
Examples:
  headcount init                                     asks, on a terminal
  headcount init --path /orders --topic orders       asks only for the rest
  headcount init --ci gitlab --start 'python shop.py'
                                                     CI starts Kafka and the service
  headcount init --bootstrap-servers kafka:9092 --start 'python shop.py'
                                                     CI starts the service only
"""

_QUESTIONS: Mapping[str, str] = {
    "host": "URL of your service",
    "method": "Method of a request that publishes an event",
    "path": "Path of that request",
    "body": "Example of the request's body, a JSON object",
    "bootstrap_servers": "Kafka brokers",
    "topic": "Topic that the service publishes to",
    "ci": "CI system",
    "start": "Command that starts the service in CI (empty if it is already running)",
}


def check_written_host(host: str) -> str:
    """Check a service's URL, and return it. UsageError if it is invalid, or contains a login."""
    if "@" in urlsplit(host).netloc:
        raise UsageError(
            "--host contains a password, which does not belong in a file: leave it out, and set "
            "HEADCOUNT_HOST"
        )
    return check_host(host)


_CHECKS: Mapping[str, Callable[[str], object]] = {
    "host": check_written_host,
    "path": parse_path,
    "body": functools.partial(parse_body, method="POST"),
    "bootstrap_servers": parse_brokers,
    "topic": parse_new_topic,
    "start": parse_start,
}
"""Checks of answers, beyond those that the options' own types make."""


@grouped_command(epilog=_EXAMPLES)
@click.argument("locustfile", default=LOCUSTFILE, type=click.Path(dir_okay=False))
@grouped_option(
    OptionGroup.TARGET,
    "--host",
    default="http://127.0.0.1:5000",
    show_default=True,
    metavar="URL",
    help="Your service.",
)
@grouped_option(
    OptionGroup.TARGET,
    "--method",
    type=click.Choice(METHODS, case_sensitive=False),
    default="POST",
    show_default=True,
    metavar="METHOD",
    help="Method of a request that publishes an event: POST, PUT, PATCH, DELETE or GET.",
)
@grouped_option(
    OptionGroup.TARGET,
    "--path",
    default="/orders",
    show_default=True,
    metavar="PATH",
    help="Path of that request.",
)
@grouped_option(
    OptionGroup.TARGET,
    "--body",
    default='{"item": "apple", "quantity": 2}',
    show_default=True,
    metavar="JSON",
    help="Example of the request's body, a JSON object.",
)
@grouped_option(
    OptionGroup.TARGET,
    "--start",
    default="",
    metavar="COMMAND",
    show_default="already running",
    help="Command to start the service in CI; Kafka is at $BOOTSTRAP_SERVERS.",
)
@grouped_option(
    OptionGroup.KAFKA,
    "--bootstrap-servers",
    default="127.0.0.1:9092",
    show_default=True,
    metavar="HOST:PORT,…",
    help="Your Kafka brokers.",
)
@grouped_option(
    OptionGroup.KAFKA,
    "--topic",
    default="orders",
    show_default=True,
    metavar="NAME",
    help="Topic that the service publishes to.",
)
@grouped_option(
    OptionGroup.OUTPUT,
    "--ci",
    type=click.Choice([system.value for system in CiSystem]),
    default=CiSystem.GITHUB.value,
    show_default=True,
    help="CI system to write a job for.",
)
@grouped_option(OptionGroup.OUTPUT, "--force", is_flag=True, help="Overwrite files that exist.")
@click.pass_context
def init(ctx: click.Context, /, *, force: bool, **options: Any) -> None:
    """Write a scenario, headcount.toml and a job for CI into this folder.

    On a terminal, it asks for whatever neither the command line nor headcount.toml sets. Existing
    files are kept.
    """
    answers = _answers(_asked(ctx, options) if is_interactive() else options)
    console = Console()
    own = ctx.find_object(OptionFile)
    option_file = PROJECT_FILE if own is not None and own.path.name == PROJECT_FILE else FILE
    for name, text in project_files(answers).items():
        # Headcount would read a new headcount.toml instead of the table in pyproject.toml.
        is_hiding = name == FILE != option_file
        line = _KEPT_TABLE if is_hiding else _write(Path(name), text, force=force)
        console.result(line)
    console.result(f"Next: headcount probe --write {option_file}, then headcount run")


def is_interactive() -> bool:
    """Whether someone can answer a question."""
    return sys.stdin.isatty()


def _asked(ctx: click.Context, options: Mapping[str, Any]) -> dict[str, Any]:
    """Ask for each option that has only its default so far."""
    answers = dict(options)
    types = {parameter.name: parameter.type for parameter in ctx.command.params}
    for name, question in _QUESTIONS.items():
        is_moot = name == "body" and answers["method"] in BODILESS
        if ctx.get_parameter_source(name) is ParameterSource.DEFAULT and not is_moot:
            default = answers[name]
            answers[name] = click.prompt(
                question,
                default=default,
                type=types[name],
                show_default=bool(default),
                value_proc=functools.partial(_accepted, name, types[name]),
            )
    return answers


def _accepted(name: str, kind: click.ParamType[Any], answer: str) -> str:
    """Return a valid answer; the error for an invalid one makes click ask again at once."""
    value: str = kind(answer)
    try:
        _CHECKS.get(name, str)(value)
    except UsageError as error:
        raise click.UsageError(str(error)) from None
    return value


def _answers(options: Mapping[str, Any]) -> ProjectAnswers:
    return ProjectAnswers(
        host=check_written_host(options["host"]),
        method=options["method"],
        path=parse_path(options["path"]),
        body=parse_body(options["body"], options["method"]),
        bootstrap_servers=parse_brokers(options["bootstrap_servers"]),
        topic=parse_new_topic(options["topic"]),
        locustfile=options["locustfile"],
        ci=CiSystem(options["ci"]),
        start=parse_start(options["start"]),
    )


def _write(path: Path, text: str, *, force: bool) -> str:
    """Write a file, unless it exists; return a line on what was done."""
    if path.exists() and not force:
        return f"Kept     {path}, which already exists (--force overwrites it)"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from None
    return f"Written  {path}"
