"""The examples for CI: valid by those systems' schemas, with valid commands."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from headcount.cli.commands.compare import compare_runs
from headcount.cli.commands.run import run
from headcount.thresholds.grammar import read_file
from tests.ci.test_schemas import ACTION, COMPONENT

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
def test_the_inputs(name: str) -> None:
    """They are inputs of the action or the component, with valid options and limits."""
    inputs = dict(re.findall(r"^ +([\w-]+): (--.+)$", (FOLDER / name).read_text(), re.MULTILINE))
    source = ACTION if name == "github.yml" else COMPONENT
    assert set(inputs) <= set(re.findall(r"inputs\.([\w-]+)", source.read_text()))
    parsed = run.make_context("run", shlex.split(inputs["options"]))
    assert len(parsed.params["thresholds"]) == 4
    compared = [*shlex.split(inputs["compare-options"]), "base", "run"]
    assert len(compare_runs.make_context("compare", compared).params["limits"]) == 1


def test_the_thresholds() -> None:
    """Each line of the file is a valid threshold."""
    assert len(read_file((FOLDER / "thresholds.txt").read_text())) == 4
