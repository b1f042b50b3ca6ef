"""Option defaults: what a file says, checked against the options of the commands."""

from pathlib import Path
from typing import Any

import click
import pytest

from headcount.cli.configuration.option_defaults import check_commands, option_defaults
from headcount.cli.configuration.option_file import OptionFile
from headcount.errors import UsageError

PATH = Path("headcount.toml")


@click.command
@click.argument("locustfile", default="mixed.py")
@click.option("-u", "--users", type=int, envvar="TEST_USERS")
@click.option("--follow", "is_followed", is_flag=True)
@click.option("--threshold", "thresholds", multiple=True)
@click.option("--topic", default="events")
def command(**values: object) -> dict[str, object]:
    """Take options of each kind."""
    return values


def defaults(shared: dict[str, Any], own: dict[str, Any] | None = None) -> dict[str, Any]:
    """Read a file for the command `run`, beside which another has the option `port`."""
    options = OptionFile(PATH, shared, {"run": own or {}})
    return option_defaults(options, "run", command, lambda: {"port", "topic"})


def called(arguments: list[str], shared: dict[str, Any]) -> dict[str, object]:
    """Call the command with a file."""
    context = command.make_context("run", arguments, default_map=defaults(shared))
    return context.params


def test_values_of_each_kind() -> None:
    """Names are those of the command line, and values are read as there."""
    values = called(
        [],
        {"locustfile": "shop.py", "users": 7, "follow": True, "threshold": ["a", "b"], "topic": 3},
    )
    assert values == {
        "locustfile": "shop.py",
        "users": 7,
        "is_followed": True,
        "thresholds": ("a", "b"),
        "topic": "3",
    }


def test_one_value_of_a_repeatable_option() -> None:
    """A list is not needed."""
    assert called([], {"threshold": "a < b"})["thresholds"] == ("a < b",)
    assert called([], {"threshold": []})["thresholds"] == ()


def test_what_overrides_what(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line comes before the environment, and that before the file."""
    assert called([], {"users": 7})["users"] == 7
    monkeypatch.setenv("TEST_USERS", "8")
    assert called([], {"users": 7})["users"] == 8
    assert called(["--users", "9"], {"users": 7})["users"] == 9


def test_a_command_has_its_own_options() -> None:
    """They come before those for all commands."""
    assert defaults({"topic": "all", "port": 1}, {"topic": "run"}) == {"topic": "run"}


@pytest.mark.parametrize(
    ("shared", "own", "reason"),
    [
        ({"toppic": "x"}, {}, r"toppic in headcount.toml is not an option \(did you mean topic"),
        ({}, {"port": 1}, r"run.port in headcount.toml is not an option"),
        ({"users": "many"}, {}, "users in headcount.toml: 'many' is not a valid integer"),
        ({"users": [1, 2]}, {}, "users in headcount.toml takes one value"),
        ({"users": True}, {}, "users in headcount.toml must be a string or a number, not true"),
        ({"follow": "yes"}, {}, "follow in headcount.toml must be true or false, not 'yes'"),
        ({"threshold": [{"a": 1}]}, {}, "threshold in headcount.toml must be a string, a number"),
        ({"run-id": "x"}, {}, "run-id in headcount.toml belongs on the command line"),
    ],
)
def test_a_mistake_is_named(shared: dict[str, Any], own: dict[str, Any], reason: str) -> None:
    """The error names the file and the option."""
    with pytest.raises(UsageError, match=reason):
        defaults(shared, own)


def test_a_table_of_no_command() -> None:
    """The error suggests a command."""
    options = OptionFile(PATH, {}, {"rum": {}})
    with pytest.raises(UsageError, match=r"\[rum\] in headcount.toml .*did you mean run"):
        check_commands(options, {"run": None, "up": None})
