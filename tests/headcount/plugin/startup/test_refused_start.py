"""A start that is refused: one clear line in Locust's log, and Locust goes on."""

import json
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from headcount.run.folder import RunFolder
from headcount.stack.ports import free_port, is_listening
from tests.headcount.plugin.locusts import DEADLINE_S, Bench
from tests.manifests import MANIFEST

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("processes", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_run_id_that_is_taken(bench: Bench, processes: int) -> None:
    """The web form names the id of an earlier run, which stays as it is; another id then works."""
    earlier = RunFolder(bench.reports / MANIFEST.run_id)
    earlier.begin(MANIFEST)
    port = free_port()
    several = () if processes == 1 else ("--processes", str(processes))
    options = ("--web-host", "127.0.0.1", "--web-port", str(port), *several)
    with bench.started(bench.command(*options)) as locust:
        bench.wait_for(lambda: is_listening(port), "the web UI listens")
        if processes > 1:
            bench.wait_for(lambda: f"{processes} ready" in _workers(port), "workers are ready")
        _start(port, run_id=MANIFEST.run_id)
        bench.wait_for(lambda: "already exists" in locust.stderr_text, "it is refused")
        _start(port, run_id="run-2")
        bench.wait_for(lambda: len(bench.service.received) > 30, "requests arrive")
        locust.terminate()
        locust.wait(DEADLINE_S)
    log = locust.stderr_text
    assert "Traceback" not in log
    (line,) = (line for line in log.splitlines() if "already exists" in line)
    assert line.endswith("headcount: " + _refusal(earlier.path))
    assert "Unhandled exception" not in log
    assert earlier.read_manifest() == MANIFEST
    assert [path.name for path in earlier.path.iterdir()] == ["run.json"]
    bench.assert_accounts_agree("run-2", generators=processes)


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_a_ledger_that_cannot_be_begun(bench: Bench, processes: int) -> None:
    """No user starts, and Locust ends with exit code 5, also if only workers know of it."""
    (bench.reports / "run-1").mkdir(parents=True)
    (bench.reports / "run-1" / "ledger").write_text("a file where the ledger's folder should be")
    several = () if processes == 1 else ("--processes", str(processes))
    command = bench.command("--headless", "-u", "4", "-t", "1m", "--run-id", "run-1", *several)
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert done.returncode == 5, done.stderr
    assert "headcount: the ledger cannot be written: " in done.stderr
    assert "Traceback" not in done.stderr
    assert bench.service.received == []


def _refusal(path: Path) -> str:
    return f"{path} already exists: choose another --run-id, or remove the folder"


def _start(port: int, **fields: str) -> None:
    form = urllib.parse.urlencode({"user_count": "4", "spawn_rate": "4", **fields}).encode()
    urllib.request.urlopen(f"http://127.0.0.1:{port}/swarm", form, timeout=120).close()


def _workers(port: int) -> str:
    """Return the number of workers by their state, such as `2 ready`."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/stats/requests", timeout=120) as answer:
        states = [worker["state"] for worker in json.load(answer)["workers"]]
    return ", ".join(f"{states.count(state)} {state}" for state in sorted(set(states)))
