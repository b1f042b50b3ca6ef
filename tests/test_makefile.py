"""How `make` creates the environment, read from the commands that it would run."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.needs import lacking

ROOT = Path(__file__).parents[1]
VARIABLE = "PYTHONDONTWRITEBYTECODE"


def commands(**more: str) -> str:
    """Return the commands that `make` would run for a new environment."""
    make = shutil.which("make") or lacking("make is not installed")
    environ = {name: value for name, value in os.environ.items() if name != VARIABLE} | more
    command = [make, "--dry-run", "--always-make", ".venv/ready"]
    done = subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


@pytest.mark.parametrize("may_write", [True, False], ids=["may write", "may not"])
def test_modules_are_compiled_where_python_may_not_write_them(*, may_write: bool) -> None:
    """Otherwise each command would compile them again."""
    run = commands() if may_write else commands(**{VARIABLE: "1"})
    assert ("--no-compile" in run) is may_write
    assert ("compileall" in run) is not may_write
