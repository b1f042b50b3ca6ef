"""`headcount config`: each option with its value, and where it is set."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

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
    done = subprocess.run(
        [PROGRAM, "config", *arguments],
        cwd=folder,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
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


def test_another_command(folder: Path) -> None:
    """It has its own options."""
    assert rows(folder, "up")["topic"] == "others headcount.toml"


def test_a_mistake_ends_any_command(folder: Path) -> None:
    """Exit 2, with one line that names it."""
    (folder / "headcount.toml").write_text("toppic = 1\n", "utf-8")
    done = subprocess.run(
        [PROGRAM, "run"], cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "toppic in headcount.toml is not an option" in done.stderr
