"""The Action's step that starts the service: it waits, and ends at once if the service fails."""

from pathlib import Path

import pytest

from headcount.stack.ports import free_port
from tests.ci.script_platforms import GitHubJob, served
from tests.ci.test_schemas import ACTION, documents


@pytest.mark.parametrize(
    ("start", "code"),
    [("exec sleep 3", 0), ("true", 0), ("echo no port; exit 3", 1)],
    ids=["foreground", "background", "failing"],
)
def test_the_start_of_the_service(start: str, code: int, tmp_path: Path) -> None:
    """A command that ends well may have started the service in the background."""
    (action,) = documents(ACTION)
    defaults = {name: each["default"] for name, each in action["inputs"].items()}
    steps = [step for step in action["runs"]["steps"] if step.get("id") == "stack"]
    folder = tmp_path / "repository"
    folder.mkdir()
    (tmp_path / "repository-runner" / "headcount").mkdir(parents=True)
    with served(tmp_path) as url:
        ready = url if code == 0 else f"http://127.0.0.1:{free_port()}"
        inputs = {**defaults, "start": start, "ready-url": ready}
        environ = {"GITHUB_EVENT_NAME": "push", "PATH": "/usr/bin:/bin"}
        job = GitHubJob(inputs, environ, folder)
        job.run({"runs": {"steps": steps}})
    assert job.exit_code == code, job.log
    assert ("no port" in job.log) == (code != 0)
