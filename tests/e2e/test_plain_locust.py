"""Plain Locust with `--verify`: its own reports as usual, and the verdict's exit code."""

import subprocess
import sys
from pathlib import Path

import pytest

from headcount.stack.broker import Broker
from headcount.stack.ports import free_port
from headcount.stack.service import Server, ServerConfig
from tests.e2e.command import DEADLINE_S, CompletedCommand
from tests.headcount.plugin.counting_service import counting_service
from tests.headcount.plugin.locusts import counted
from tests.headcount.telemetry.export.receivers import http_receiver

pytestmark = pytest.mark.e2e


HOSTILE = """
import sys
from locust import events

@events.quitting.add_listener
def before(environment, **_):
    environment.process_exit_code = 0

from mixed import *

@events.quitting.add_listener
def overwrite(environment, **_):
    environment.process_exit_code = 0
    sys.exit(0)

@events.quit.add_listener
def leave(**_):
    sys.exit(0)
"""
"""A scenario that tries to exit with 0 regardless of the verdict."""


def locust(
    reports: Path,
    host: str,
    broker: Broker,
    topic: str,
    *options: str,
    locustfile: str = "locustfiles/mixed.py",
) -> CompletedCommand:
    """Run Locust headless with `--verify` and its own reports, until it has made some requests."""
    command = [sys.executable, "-m", "locust", "-f", counted(locustfile), "--headless"]
    command += ["-u", "5", "-r", "5", "--host", host, "--topic", topic]
    command += ["--bootstrap-servers", broker.bootstrap_servers, "--reports-dir", str(reports)]
    command += ["--run-id", "run-1", "--verify", "--csv", str(reports / "own")]
    command += ["--html", str(reports / "own.html"), *options]
    port = str(free_port())  # parallel tests must not share Locust's default port
    command += ["--master-bind-port", port, "--master-port", port]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    return CompletedCommand(done.returncode, done.stdout, done.stderr, reports / "run-1")


@pytest.mark.slow
def test_the_verdict_is_the_exit_code(
    broker: Broker,
    topic: str,
    tmp_path: Path,
    environ: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A pass exits with 0, with a broken threshold with 4; Locust's own reports exist, too.

    A receiver of metrics gets the sums of the verdict, and the verdict, last.
    """
    log = tmp_path / "service.log"
    database = tmp_path / "game.sqlite3"
    config = ServerConfig(broker.bootstrap_servers, topic, log, environ, port=0, database=database)
    with Server(config) as service, http_receiver() as received:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", received.address)
        kept = locust(tmp_path / "kept", service.url, broker, topic)
        assert received.numbers("headcount.verdict", "verdict")["pass"] == 1
        acked = received.numbers("headcount.requests", "outcome")["acked"]
        monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT")
        broken = locust(
            tmp_path / "broken", service.url, broker, topic, "--thresholds", "rps > 10000"
        )
    assert kept.code == 0, kept.err
    assert kept.verdict["verdict"] == "pass"
    assert kept.verdict["counts"]["acked"] == acked
    assert "Verdict: PASS." in kept.err
    assert broken.code == 4, broken.err
    assert "Threshold broken: rps > 10000" in broken.err
    assert (tmp_path / "kept" / "own.html").is_file()
    assert (tmp_path / "kept" / "own_stats.csv").is_file()


@pytest.mark.heavy
def test_a_service_that_publishes_nothing_does_not_pass(
    broker: Broker, topic: str, tmp_path: Path
) -> None:
    """Every answer is 200, and the scenario tries to exit with 0; there are several generators."""
    (tmp_path / "hostile.py").write_text(HOSTILE)
    with counting_service() as service:
        scenario = str(tmp_path / "hostile.py")
        done = locust(tmp_path, service.url, broker, topic, "--processes", "2", locustfile=scenario)
        assert done.code == 3, done.err
        assert (done.folder / "verdict.json").exists(), done.err
        assert done.verdict["counts"]["lost"] == len(service.received)
    assert "has received no message since the run began; no other topic has an id" in done.err
    assert "Verdict: INCONCLUSIVE." in done.err
