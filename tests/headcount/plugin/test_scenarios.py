"""Typical scenarios in a real Locust: every request is accounted for or reported."""

import json
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from headcount.ledger.location import open_location
from headcount.ledger.shortfall import read_shortfall
from headcount.open_model.arrival_counts import total
from headcount.stack.ports import free_port, is_listening
from tests.headcount.plugin.locusts import DEADLINE_S, Bench
from tests.headcount.plugin.test_arrival_driver import arrivals

pytestmark = pytest.mark.e2e

PAUSING = """
from locust import TaskSet, constant, task
from headcount.plugin import LedgerUser

def ask(user, name):
    user.client.post("/" + name, json={}, event={"event_type": name})

class Buyer(LedgerUser):
    wait_time = constant(0.05)

    @task
    def buy(self):
        ask(self, "first")
        self.wait()
        ask(self, "second")

    @task
    class Shop(TaskSet):
        @task
        def enter(self):
            ask(self, "first")
            self.wait()
            ask(self, "second")
            self.interrupt(reschedule=False)
"""


def test_a_wait_within_a_task_takes_no_arrival(bench: Bench, tmp_path: Path) -> None:
    """As many tasks start as were due, and each continues after its own wait."""
    (tmp_path / "pausing.py").write_text(PAUSING)
    command = bench.command(
        *("--headless", "--run-id", "run-1", "--rate", "20/s", "-t", "3s"),
        locustfile=str(tmp_path / "pausing.py"),
    )
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert done.returncode == 0, done.stderr
    bench.assert_accounts_agree()
    counts = total(arrivals(bench))
    types = [row["event_type"] for row in bench.rows()]
    assert counts.due == 60
    assert types.count("first") == counts.started
    # At the end of the test, Locust kills waiting users immediately, even within a task.
    assert types.count("second") >= counts.started // 2


REFUSED = """
from locust import constant, task
from headcount.plugin import LedgerUser

class Player(LedgerUser):
    wait_time = constant(0.1)

    @task(9)
    def good(self):
        self.client.post("/good", json={}, event={"event_type": "good"})

    @task
    def bad(self):
        self.client.post("/bad", json={}, event="bad")
"""


@pytest.mark.parametrize(
    "options", [(), pytest.param(("--processes", "2"), marks=pytest.mark.slow), ("--rate", "50/s")]
)
def test_an_invalid_event_stops_the_run(
    bench: Bench, tmp_path: Path, options: tuple[str, ...]
) -> None:
    """Before its request is sent, with one line that names the value, the rule and the place."""
    (tmp_path / "refused.py").write_text(REFUSED)
    command = bench.command(
        *("--headless", "-u", "4", "-r", "4", "--run-id", "run-1", "-t", "60s", *options),
        locustfile=str(tmp_path / "refused.py"),
    )
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert done.returncode == 2, done.stderr
    line = REFUSED.splitlines().index('        self.client.post("/bad", json={}, event="bad")') + 1
    assert f"Player in refused.py:{line} (task bad) passes an event=" in done.stderr
    assert "'bad'" in done.stderr
    assert not any(part.seal for part in bench.parts() if _is_refused(bench, part.generator))


@pytest.mark.parametrize(
    ("event", "options", "reason"),
    [
        ('{"event_type": "total"}', (), "the event type total is reserved"),
        ('{"id": 7}', ("--id-at", "field:id"), "writes the request's id into the field id"),
    ],
)
def test_an_event_that_cannot_be_told_apart_stops_the_run(
    bench: Bench, tmp_path: Path, event: str, options: tuple[str, ...], reason: str
) -> None:
    """When it is first seen, with the reason, the remedy and the place."""
    (tmp_path / "refused.py").write_text(REFUSED.replace('"bad")', f"{event})"))
    command = bench.command(
        *("--headless", "-u", "4", "-r", "4", "--run-id", "run-1", "-t", "60s", *options),
        locustfile=str(tmp_path / "refused.py"),
    )
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert done.returncode == 2, done.stderr
    assert reason in done.stderr
    assert "Player in refused.py:" in done.stderr
    assert "bad" not in {row["event_type"] for row in bench.rows()}


def _is_refused(bench: Bench, generator: int) -> bool:
    location = open_location(str(bench.ledger()))
    return bool(read_shortfall(*location, generator).refused)


@pytest.mark.slow
def test_a_refused_event_is_shown_in_the_web_ui(bench: Bench, tmp_path: Path) -> None:
    """The test stops, and Locust keeps running to show why."""
    (tmp_path / "refused.py").write_text(REFUSED)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    options = ("--web-host", "127.0.0.1", "--web-port", str(port))
    with bench.started(bench.command(*options, locustfile=str(tmp_path / "refused.py"))) as locust:
        bench.wait_for(lambda: is_listening(port), "the web UI listens")
        form = urllib.parse.urlencode({"user_count": "4", "spawn_rate": "4"}).encode()
        with urllib.request.urlopen(f"{url}/swarm", form, timeout=120) as answer:  # noqa: S310
            assert answer.status == 200
        bench.wait_for(lambda: "(task bad)" in _read(f"{url}/exceptions"), "the reason is shown")
        bench.wait_for(lambda: _state(url) == "stopped", "the test is stopped")
        locust.terminate()
        locust.wait(DEADLINE_S)


def _state(url: str) -> str:
    state: str = json.loads(_read(f"{url}/stats/requests"))["state"]
    return state


def _read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=120) as answer:  # noqa: S310 - it is http
        text: str = answer.read().decode()
    return text
