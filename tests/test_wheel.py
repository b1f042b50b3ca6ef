"""The installed package works without the checkout, and beside the user's own packages."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from headcount.stack.broker import Broker
from tests.wheels import ROOT, TIMEOUT_S, build_wheels

PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")

# Python runs this after it has added the editable install's paths.
WITHOUT_CHECKOUT = f"""\
import sys
checkout = {[str(ROOT / name) for name in ("", "analysis", "service", "locustfiles")]!r}
sys.path[:] = [path for path in sys.path if path not in checkout]
"""

USERS_OWN_MODULES = (
    *("service/__init__.py", "service/app.py", "service/settings.py"),
    *("analysis/__init__.py", "analysis/pipeline.py", "analysis/read.py"),
    *("locustfiles/__init__.py", "locustfiles/mixed.py", "locustfiles/choices.py"),
)

SCENARIO = """\
from locust import constant, task

from headcount.plugin import LedgerUser


class Customer(LedgerUser):
    wait_time = constant(0.1)

    @task
    def look_around(self) -> None:
        self.client.get("/", event={"event_type": "default"})
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built and installed into a folder; this environment provides its dependencies."""
    site = tmp_path_factory.mktemp("site")
    (wheel,) = build_wheels(tmp_path_factory.mktemp("wheels"), ROOT)
    _output(*PIP, "install", "--no-deps", "--target", str(site), str(wheel))
    (site / "sitecustomize.py").write_text(WITHOUT_CHECKOUT)
    return site


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A user's folder with packages named as in the checkout, which raise when imported."""
    folder = tmp_path / "project"
    for name in USERS_OWN_MODULES:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("raise ImportError(f'{__file__} was imported')\n")
    (folder / "locustfiles" / "own.py").write_text(SCENARIO)
    return folder


@pytest.mark.slow
def test_the_wheel_has_unique_package_names(site: Path, project: Path) -> None:
    """The wheel installs no package `service`, `analysis` or `locustfiles`."""
    packages = {path.name for path in site.iterdir() if path.is_dir()}
    installed = {name for name in packages - {"bin"} if not name.endswith(".dist-info")}
    assert installed == {"headcount", "headcount_analysis", "headcount_service"}
    script = "import headcount, headcount_analysis as a, headcount_service as s; print(*a.__path__)"
    assert _output(sys.executable, "-P", "-c", script, site=site, cwd=project).startswith(str(site))


@pytest.mark.e2e
@pytest.mark.heavy
def test_the_default_scenario(site: Path, project: Path) -> None:
    """Every part starts from the wheel alone: broker, service, Locust, Spark."""
    verdict = _run(site, project)
    assert verdict["label"] == "PASS"
    assert {"default", "purchase_sword", "join_guild"} >= verdict["by_event_type"].keys() != set()


@pytest.mark.e2e
@pytest.mark.slow
def test_a_users_own_scenario(site: Path, project: Path, broker: Broker, topic: str) -> None:
    """The scenario is in a folder with the same name as one in the checkout."""
    brokers = ("--bootstrap-servers", broker.bootstrap_servers, "--topic", topic)
    verdict = _run(site, project, "locustfiles/own.py", *brokers)
    assert verdict["label"] == "PASS"


def _run(site: Path, project: Path, *options: str) -> dict[str, Any]:
    """Put a small load on the game, and return verdict.json."""
    load = ("--users", "10", "--run-time", "3s", "--json", "--allow", "unacked=join_guild")
    command = (sys.executable, "-P", str(site / "bin" / "headcount"), "run", *load, *options)
    verdict: dict[str, Any] = json.loads(_output(*command, site=site, cwd=project))
    return verdict


def _output(*argv: str, site: Path | None = None, cwd: Path = ROOT) -> str:
    environ = dict(os.environ) | ({} if site is None else {"PYTHONPATH": str(site)})
    result = subprocess.run(
        argv, capture_output=True, text=True, check=False, timeout=TIMEOUT_S, cwd=cwd, env=environ
    )
    assert result.returncode == 0, f"{result.stderr}\n{result.stdout}"
    return result.stdout
