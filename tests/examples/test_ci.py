"""The examples for CI: accepted by those systems' schemas, and of commands that there are."""

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
    """As the system's own schema has it."""
    transforms = ("--data-transform", "gitlab-ci") if "gitlab" in name else ()
    schema = ("--builtin-schema", SCHEMAS[name])
    command = [sys.executable, "-m", "check_jsonschema", *schema, *transforms, str(FOLDER / name)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_command(name: str) -> None:
    """What is run has options that there are, and keeps to thresholds that are some."""
    (arguments,) = re.findall(r'make run ARGS="([^"]+)"', (FOLDER / name).read_text())
    given = shlex.split(arguments)
    parsed = run.make_context("run", list(given))
    assert parsed.params["run_id"] == "ci"
    assert len(parsed.params["thresholds"]) == 4
    assert CliRunner().invoke(run, [*given, "--no-such-option"]).exit_code == 2


def test_the_thresholds() -> None:
    """Each of the file's lines."""
    assert len(read_file((FOLDER / "thresholds.txt").read_text())) == 4
