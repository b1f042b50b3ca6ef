"""The arguments of the run: whole words as a shell would read them, or no run at all."""

from pathlib import Path
from typing import Any

import pytest

from tests.ci.script_platforms import GitHubJob, bash
from tests.ci.test_schemas import ACTION, COMPONENT, documents

OPTIONS = """--users 5 --threshold 'fail_ratio < 1%' --mix "a=1,b=2" '' --topic sold"""
WORDS = [
    "--users",
    "5",
    "--threshold",
    "fail_ratio < 1%",
    "--mix",
    "a=1,b=2",
    "",
    "--topic",
    "sold",
]
UNMATCHED = "--users 5 --threshold 'lost == 0"
PROGRAM = """#!/bin/bash
printf '%s\\n' "$@" > "$CALLED"
exit 4
"""


@pytest.fixture
def called(tmp_path: Path) -> Path:
    """The file that has the arguments of the program that stands in for headcount."""
    for folder in ("repository-runner", "work"):
        program = tmp_path / folder / "headcount" / "bin" / "headcount"
        program.parent.mkdir(parents=True)
        program.write_text(PROGRAM)
        program.chmod(0o755)
    (tmp_path / "repository").mkdir()
    return tmp_path / "arguments"


def action_step(options: str, called: Path) -> tuple[int, str, dict[str, str]]:
    """Run the action's step; return its exit code, what it printed and its outputs."""
    (action,) = documents(ACTION)
    inputs = {name: described["default"] for name, described in action["inputs"].items()}
    environ = {"GITHUB_EVENT_NAME": "push", "GITHUB_RUN_ID": "7", "GITHUB_RUN_ATTEMPT": "1"}
    environ |= {"PATH": "/usr/bin:/bin", "CALLED": str(called)}
    job = GitHubJob({**inputs, "options": options}, environ, called.with_name("repository"))
    job.run({"runs": {"steps": [step_of(action, "Run")]}})
    return job.exit_code, job.log, job.outputs


def step_of(action: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a step by its name."""
    (step,) = (step for step in action["runs"]["steps"] if step["name"] == name)
    return dict(step)


def component_step(options: str, called: Path) -> tuple[int, str]:
    """Run the component's script up to the run; return its exit code and what it printed."""
    job = documents(COMPONENT)[1]["$[[ inputs.name ]]"]
    (script,) = (part for part in job["script"] if "COMPONENT_OPTIONS" in part)
    work = called.with_name("work") / "headcount"
    environ = {"PATH": "/usr/bin:/bin", "CALLED": str(called), "work": str(work)}
    variables = {"COMPONENT_OPTIONS": options, "CI_JOB_ID": "7"}
    return bash(f'{script}\nexit "$code"', environ | variables, called.with_name("repository"))


def test_the_action(called: Path) -> None:
    """The run gets every word, and its report is known even if the run is cut short."""
    code, log, outputs = action_step(OPTIONS, called)
    assert code == 0, log
    assert called.read_text().splitlines()[5:] == WORDS
    assert outputs == {"report": "reports/ci-7-1", "exit-code": "4"}


def test_the_component(called: Path) -> None:
    """The run gets every word."""
    code, log = component_step(OPTIONS, called)
    assert code == 4, log
    assert called.read_text().splitlines()[5:] == WORDS


def test_a_quote_without_its_second(called: Path) -> None:
    """The job fails: a run with some of the options could pass where another would not."""
    code, log, _ = action_step(UNMATCHED, called)
    assert (code != 0, "unmatched single quote" in log) == (True, True), log
    code, log = component_step(UNMATCHED, called)
    assert (code != 0, "unmatched single quote" in log) == (True, True), log
    assert not called.exists()


def test_the_artifact_of_the_action() -> None:
    """It is kept only if there is a report: without one, its path would be the whole checkout."""
    (action,) = documents(ACTION)
    assert step_of(action, "Report")["if"] == "always() && steps.run.outputs.report != ''"
