"""The Action's step that starts the service: it waits, and ends at once if the service fails."""

import sys
from pathlib import Path

import pytest

from headcount.stack.ports import free_port
from tests.ci.script_platforms import GitHubJob
from tests.ci.test_schemas import ACTION, documents

SERVER = f"exec timeout 30 '{sys.executable}' -m http.server --bind 127.0.0.1"
"""It ends by itself, whatever becomes of the test."""


@pytest.mark.parametrize(
    ("start", "code"),
    [
        (SERVER + " {port}", 0),
        ("(sleep 1; " + SERVER + " {port}) &", 0),
        ("echo no port; exit 3", 1),
    ],
    ids=["foreground", "background", "failing"],
)
def test_the_start_of_the_service(start: str, code: int, tmp_path: Path) -> None:
    """A command that ends well may have started the service in the background."""
    (action,) = documents(ACTION)
    defaults = {name: described["default"] for name, described in action["inputs"].items()}
    steps = [step for step in action["runs"]["steps"] if step.get("id") == "stack"]
    folder, port = tmp_path / "repository", free_port()
    folder.mkdir()
    (tmp_path / "repository-runner" / "headcount").mkdir(parents=True)
    ready = f"http://127.0.0.1:{port}"
    inputs = {**defaults, "start": start.format(port=port), "ready-url": ready}
    job = GitHubJob(inputs, {"GITHUB_EVENT_NAME": "push", "PATH": "/usr/bin:/bin"}, folder)
    job.run({"runs": {"steps": steps}})
    assert job.exit_code == code, job.log
    assert ("no port" in job.log) == (code != 0)
