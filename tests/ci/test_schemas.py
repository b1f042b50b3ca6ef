"""The GitHub Action and the GitLab component match the schemas of their platforms."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.ci.script_platforms import BASH
from tests.wheels import ROOT

ACTION, COMPONENT = ROOT / "ci" / "action.yml", ROOT / "templates" / "headcount.yml"


def documents(path: Path) -> list[Any]:
    """Read the YAML documents of a file."""
    return list(YAML(typ="safe").load_all(path.read_text()))


def filled(component: str, inputs: dict[str, str]) -> str:
    """Return the text of a component with its inputs filled in."""
    return re.sub(r"\$\[\[ inputs\.([\w-]+) \]\]", lambda match: inputs[match[1]], component)


def check(path: Path, *schema: str) -> None:
    """Hold a file against a schema that check-jsonschema carries."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", *schema, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_action() -> None:
    """It matches GitHub's schema; every input and output of a step that it names exists."""
    check(ACTION, "vendor.github-actions")
    (action,) = documents(ACTION)
    text = ACTION.read_text()
    assert set(re.findall(r"inputs\.([\w-]+)", text)) == action["inputs"].keys()
    steps = {step["id"]: step["run"] for step in action["runs"]["steps"] if "id" in step}
    for step, output in re.findall(r"steps\.(\w+)\.outputs\.([\w-]+)", text):
        assert f'echo "{output}=' in steps[step]


def test_the_component(tmp_path: Path) -> None:
    """Its header and its job match GitLab's schema; every input that it names exists."""
    header, _ = documents(COMPONENT)
    inputs = {name: described["default"] for name, described in header["spec"]["inputs"].items()}
    text = COMPONENT.read_text()
    assert set(re.findall(r"inputs\.([\w-]+)", text)) == inputs.keys()
    for number, part in enumerate(text.split("\n---\n")):
        path = tmp_path / f"{number}.yml"
        path.write_text(filled(part, inputs))
        check(path, "vendor.gitlab-ci", "--data-transform", "gitlab-ci")


@pytest.mark.parametrize("path", [ACTION, COMPONENT], ids=lambda path: path.name)
def test_every_script_is_bash(path: Path) -> None:
    """Bash parses it, and it interpolates nothing that someone else could write into it."""
    document = documents(path)[-1]
    if path == ACTION:
        scripts = [step["run"] for step in document["runs"]["steps"] if "run" in step]
    else:
        (job,) = document.values()
        scripts = job["script"]
    assert scripts
    for script in scripts:
        assert "${{" not in script
        assert "$[[" not in script
        done = subprocess.run([BASH, "-n", "-c", script], check=False, capture_output=True)
        assert done.returncode == 0, done.stderr
