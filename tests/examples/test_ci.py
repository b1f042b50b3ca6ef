"""The examples for CI: valid by those systems' schemas, with valid commands."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from headcount.cli.commands.run import run
from headcount.thresholds.grammar import read_file

FOLDER = Path(__file__).parents[2] / "examples" / "ci"
SCHEMAS = {"github.yml": "vendor.github-workflows", "gitlab.yml": "vendor.gitlab-ci"}


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_schema(name: str) -> None:
    """The file matches the CI system's own schema."""
    transforms = ("--data-transform", "gitlab-ci") if "gitlab" in name else ()
    schema = ("--builtin-schema", SCHEMAS[name])
    command = [sys.executable, "-m", "check_jsonschema", *schema, *transforms, str(FOLDER / name)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_command(name: str) -> None:
    """The command's options and thresholds are valid."""
    (text,) = re.findall(r'make run ARGS="([^"]+)"', (FOLDER / name).read_text())
    arguments = shlex.split(text)
    parsed = run.make_context("run", list(arguments))
    assert parsed.params["run_id"] == "ci"
    assert len(parsed.params["thresholds"]) == 4
    assert CliRunner().invoke(run, [*arguments, "--no-such-option"]).exit_code == 2


def test_the_thresholds() -> None:
    """Each line of the file is a valid threshold."""
    assert len(read_file((FOLDER / "thresholds.txt").read_text())) == 4
