"""`headcount config`: each option with its value, and where it is set."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
PROGRAM = Path(sys.executable).with_name("headcount")
OPTIONS = """\
host = "https://user:password@shop.test"
topic = "orders"
threshold = ["http.p99 < 300ms", "lost == 0"]

[up]
topic = "others"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a project's folder, with its options."""
    (tmp_path / "headcount.toml").write_text(OPTIONS, "utf-8")
    return tmp_path


def rows(folder: Path, *arguments: str, **environ: str) -> dict[str, str]:
    """Print the options, and return the rest of each line by option."""
    done = called(folder, "config", *arguments, **environ)
    assert done.returncode == 0, done.stderr
    lines = (line.split(maxsplit=1) for line in done.stdout.splitlines())
    return {line[0]: " ".join(line[1].split()) for line in lines}


def test_where_each_is_set(folder: Path) -> None:
    """The command line, the environment, the file, or nowhere; without a password."""
    held = rows(folder, "run", "--users", "50", HEADCOUNT_HOST="http://127.0.0.1:5000")
    assert held["users"] == "50 command line"
    assert held["host"] == "http://127.0.0.1:5000 HEADCOUNT_HOST"
    assert held["topic"] == "orders headcount.toml"
    assert held["threshold"] == "http.p99 < 300ms, lost == 0 headcount.toml"
    assert held["reports-dir"] == "reports default"
    assert rows(folder)["host"] == "https://shop.test headcount.toml"


@pytest.mark.parametrize("command", ["run", "up"])
def test_the_example_of_the_documentation(tmp_path: Path, command: str) -> None:
    """It is valid for each command that it has a table for."""
    page = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    example = page.partition("```toml\n")[2].partition("```")[0]
    assert "[up]" in example
    (tmp_path / "headcount.toml").write_text(example, "utf-8")
    (tmp_path / "load").mkdir()
    for name in ("client.properties", "load/shop.py"):
        (tmp_path / name).touch()
    assert rows(tmp_path, command)["topic"] == "orders headcount.toml"


@pytest.mark.parametrize("command", ["run", "up"])
def test_the_variables_of_locust(folder: Path, command: str) -> None:
    """Those of the target hold for commands, too: whoever sets one means both."""
    variables = {
        "HEADCOUNT_BOOTSTRAP_SERVERS": "kafka:9092",
        "HEADCOUNT_TOPIC": "sold",
        "HEADCOUNT_PROMISE": "acks=1",
        "HEADCOUNT_REPORTS_DIR": "kept",
    }
    held = rows(folder, command, **variables)
    for variable, value in variables.items():
        option = variable.removeprefix("HEADCOUNT_").lower().replace("_", "-")
        assert held[option] == f"{value} {variable}"


def test_another_command(folder: Path) -> None:
    """It has its own options."""
    assert rows(folder, "up")["topic"] == "others headcount.toml"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("toppic = 1", "toppic in headcount.toml is not an option (did you mean topic?)"),
        ("[up]\nport = 1", "up.port in headcount.toml is not an option"),
        ("[run]\nusers = 'x'", "users in headcount.toml: 'x' is not a valid integer"),
        ("[rum]\nusers = 1", "[rum] in headcount.toml is not a command (did you mean run?)"),
    ],
)
def test_a_mistake_ends_any_command(folder: Path, text: str, reason: str) -> None:
    """Exit 2, with one line that names it, even if it is another command's."""
    (folder / "headcount.toml").write_text(text, "utf-8")
    done = called(folder, "history")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert reason in done.stderr


def test_an_unknown_command(folder: Path) -> None:
    """The error suggests one."""
    assert "no command 'rum' (did you mean run?)" in called(folder, "config", "rum").stderr


def called(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Call the command in a folder."""
    return subprocess.run(
        [PROGRAM, *arguments],
        cwd=folder,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
