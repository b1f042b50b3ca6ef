"""Option sources: an error about a value says where the value comes from."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import click
import pytest
from click.testing import CliRunner

from headcount.cli.configuration.option_file import OptionFile
from headcount.cli.options.groups import OptionGroup, grouped_command, grouped_option
from headcount.errors import UsageError

FILE = OptionFile(Path("headcount.toml"), {}, {})
NOTHING: Mapping[str, str] = MappingProxyType({})


def _as_time(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value == "later":
        raise UsageError("--when must be a time")
    return value


@grouped_command(epilog="")
@grouped_option(OptionGroup.TARGET, "-u", "--users", type=int, envvar="CROWD_USERS")
@grouped_option(OptionGroup.TARGET, "--host", envvar="CROWD_HOST")
@grouped_option(OptionGroup.TARGET, "--tag", multiple=True, envvar="CROWD_TAGS")
@grouped_option(OptionGroup.TARGET, "--when", callback=_as_time, envvar="CROWD_WHEN")
def send(host: str, **_: object) -> None:
    """Fail because of the host, whatever it is."""
    raise UsageError(f"--users and b7 are too many for {host}")


def error_of(*arguments: str, in_file: Mapping[str, str] = NOTHING, **environ: str | None) -> str:
    """Call it with options of a file and of the environment; return its error."""
    called = CliRunner().invoke(send, arguments, obj=FILE, default_map=in_file, env=environ)
    return str(called.exception) if isinstance(called.exception, UsageError) else called.stderr


def test_a_value_from_a_variable() -> None:
    """The error about it names the variable, also if the option's type refuses it."""
    assert "'x' is not a valid integer. (--users is set by CROWD_USERS)" in error_of(
        CROWD_USERS="x"
    )
    assert error_of(CROWD_WHEN="later") == "--when must be a time (--when is set by CROWD_WHEN)"


def test_an_error_that_names_options() -> None:
    """It names what sets each of them, unless the command line shows it, or nothing sets it."""
    assert error_of(CROWD_USERS="3").endswith(" for None (--users is set by CROWD_USERS)")
    assert error_of("--users", "3", CROWD_USERS="4").endswith(" for None")
    assert error_of().endswith(" for None")


def test_an_error_that_quotes_a_value() -> None:
    """It is about the option with this value, named or not; only whole words count."""
    assert error_of(CROWD_TAGS="a1 b7").endswith(" for None (--tag is set by CROWD_TAGS)")
    assert error_of(CROWD_TAGS="a1 b").endswith(" for None")


def test_a_value_from_a_file() -> None:
    """The error names the file."""
    error = error_of(in_file={"host": "shop.test"})
    assert error.endswith(" for shop.test (--host is set by headcount.toml)")


@pytest.mark.parametrize("arguments", [("--users", "x"), ("-ux",)])
def test_a_value_from_the_command_line(arguments: tuple[str, ...]) -> None:
    """Its error needs no more than the option, even if a variable would set it, too."""
    assert "is set by" not in error_of(*arguments, CROWD_USERS="5")
