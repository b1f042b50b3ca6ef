"""The Action's step that starts the service: it waits, and ends at once if the service fails."""

from pathlib import Path

import pytest

from headcount.stack.ports import free_port
from tests.ci.script_platforms import STARTS, GitHubJob
from tests.ci.test_schemas import ACTION, documents


@pytest.mark.parametrize(("start", "code"), STARTS.values(), ids=STARTS)
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
