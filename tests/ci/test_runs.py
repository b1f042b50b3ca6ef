"""The Action and the component, run step by step against a shop of its own: install to verdict.

Only the platforms are stood in for: their variables, their caches and GitLab's API.
"""

import contextlib
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from headcount.stack.ports import free_port
from tests.ci.script_platforms import GitHubJob, bash, served, without_checkout
from tests.ci.test_schemas import ACTION, COMPONENT, documents, filled
from tests.wheels import ROOT, build_wheels

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SHOP = Path(__file__).with_name("shop.py")
OPTIONS = "-u 20 -t 2s --seed 1 --threshold 'fail_ratio < 50%'"
SETTINGS = """\
locustfile = "locustfile.py"
host = "http://127.0.0.1:{port}"
topic = "sold"
id-header = "X-Request-Id"
id-at = "json:/meta/request"
compare-at = "/order"
"""
SCENARIO = """\
from locust import constant, task

from headcount.plugin import LedgerUser


class Customer(LedgerUser):
    wait_time = constant(0.1)

    @task
    def buy(self) -> None:
        order = {"item": "bread", "quantity": self.random.randint(1, 5)}
        self.client.post("/orders", json=order, event=order, event_type="sold")
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that the steps install."""
    (built,) = build_wheels(tmp_path_factory.mktemp("wheels"), ROOT)
    return built


@pytest.fixture
def port() -> int:
    """The shop's port."""
    return free_port()


@pytest.fixture
def checkout(tmp_path: Path, port: int) -> Path:
    """A repository with a scenario and its options."""
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "locustfile.py").write_text(SCENARIO)
    (folder / "headcount.toml").write_text(SETTINGS.format(port=port))
    return folder


@pytest.fixture
def environ(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of steps; what they left running is stopped afterwards."""
    marker = str(tmp_path)
    packages = sysconfig.get_paths()["purelib"]
    yield {**without_checkout(packages, Path(sys.executable)), "JOB_MARKER": marker}
    for process in psutil.process_iter(["environ"]):
        if (process.info["environ"] or {}).get("JOB_MARKER") == marker:
            with contextlib.suppress(psutil.Error):
                process.terminate()
                process.wait(60)


def test_the_action(wheel: Path, checkout: Path, port: int, environ: dict[str, str]) -> None:
    """A push keeps its run; a pull request is compared with it, and fails the job."""
    (action,) = documents(ACTION)
    defaults = {name: described["default"] for name, described in action["inputs"].items()}
    inputs = {
        **defaults,
        "package": str(wheel),
        "options": OPTIONS,
        "topics": "sold, other",
        "start": f"exec python3 '{SHOP}' {port}",
        "ready-url": f"http://127.0.0.1:{port}/",
    }
    pushed = {**environ, **github("push", 1)}
    push = GitHubJob(inputs, pushed, checkout)
    push.run(action)
    assert push.exit_code == 0, push.log
    assert "The base branch has no run to compare with." in push.log
    assert "PASS" in push.summary.read_text()

    inputs |= {"topics": "", "start": "", "compare-options": "--limit 'lost +0'"}
    options = OPTIONS.replace("fail_ratio < 50%", "rps > 1000000")
    inputs["options"] = f"{options} --bootstrap-servers {push.outputs['bootstrap-servers']}"
    request = GitHubJob(inputs, {**environ, **github("pull_request", 2)}, checkout)
    request.run(action)
    assert request.exit_code == 4, request.log
    assert request.outputs["report"] == "reports/ci-2-1"
    assert (checkout / "reports" / "ci-2-1" / "compare.html").is_file(), request.log
    verdict, _, comparison = request.summary.read_text().partition("THRESHOLD BROKEN")
    assert "PASS" in verdict  # that of the push
    assert "lost +0" in comparison

    gitlab_job(wheel, checkout, inputs["options"], environ)


def gitlab_job(wheel: Path, checkout: Path, options: str, environ: dict[str, str]) -> None:
    """Run the component's scripts: they compare with the report that GitLab's API returns."""
    header, _ = documents(COMPONENT)
    inputs = {name: described["default"] for name, described in header["spec"]["inputs"].items()}
    inputs |= {
        "package": str(wheel),
        "options": options.replace("rps > 1000000", "rps > 0"),
        "compare-options": "--limit 'lost +0'",
    }
    text = COMPONENT.read_text().split("\n---\n")[1]
    path = checkout.with_name("component.yml")
    path.write_text(filled(text, inputs))
    (document,) = documents(path)
    job = document["headcount"]
    temporary = checkout.with_name("gitlab")
    artifacts = temporary / "api" / "projects" / "7" / "jobs" / "artifacts" / "main"
    artifacts.mkdir(parents=True)
    with zipfile.ZipFile(artifacts / "download", "w") as archive:
        for file in (checkout / "reports" / "ci-2-1").glob("*.*"):
            archive.write(file, file.relative_to(checkout))
    with served(temporary / "api") as url:
        variables = {name: str(value) for name, value in job["variables"].items()}
        variables |= {"CI_API_V4_URL": url, "CI_PROJECT_ID": "7", "CI_JOB_NAME": "headcount"}
        variables |= {"CI_DEFAULT_BRANCH": "main", "CI_JOB_TOKEN": "t", "CI_JOB_ID": "11"}
        variables |= {"TMPDIR": str(temporary), "CI_PROJECT_DIR": str(checkout)}
        del variables["HEADCOUNT_CACHE"]
        code, log = bash("\n".join(job["script"]), {**environ, **variables}, checkout)
    assert code == 0, log
    report = checkout / "reports" / "ci-11"
    assert "PASS" in (report / "summary.md").read_text()
    assert (report / "compare.html").is_file(), log


def github(event: str, number: int) -> dict[str, str]:
    """Return GitHub's variables."""
    return {
        "GITHUB_EVENT_NAME": event,
        "GITHUB_RUN_ID": str(number),
        "GITHUB_RUN_ATTEMPT": "1",
    }
