"""Following: a verdict soon after the end, whatever becomes of those who follow meanwhile."""

import contextlib
import fcntl
import json
import os
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from headcount.stack.broker import Broker
from headcount.stack.process import wait_until
from headcount.stack.service import Server, ServerConfig
from tests.e2e.command import DEADLINE_S, a_counted_run, headcount, left_by

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_a_run_that_is_followed(tmp_path: Path) -> None:
    """However short it is, the verdict is there, and nothing is left of the following.

    Nobody else judges it meanwhile, not even Locust that was asked to.
    """
    command = (*a_counted_run("--follow"), "--reports-dir", str(tmp_path), "--", "--verify")
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(headcount, tmp_path, *command)
        wait_until(lambda: is_taken(tmp_path / "run-1"), DEADLINE_S, "the run is taken")
        run = running.result()
    assert run.code == 0, run.err
    assert not (run.folder / "logs" / "verify.log").exists()
    assert "Verdict: pass" in run.out
    assert re.search(
        r"^Followed: (nothing|[\d,]+ messages, [\d,]+ blocks compared)$", run.err, re.MULTILINE
    )
    assert not (run.folder / "follow").exists()
    assert not list(run.folder.glob(".*"))
    again = headcount(tmp_path, "verify", str(run.folder), "--json")
    assert again.verdict["counts"] == run.verdict["counts"]


def is_taken(run: Path) -> bool:
    """Tell whether somebody has the turn to judge a run."""
    with contextlib.suppress(FileNotFoundError):
        descriptor = os.open(run, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
    return False


@contextlib.contextmanager
def load(reports: Path, service: Server, broker: Broker, topic: str) -> Iterator[psutil.Popen]:
    """Drive a service slowly, until it is told to end."""
    command = [sys.executable, "-m", "locust", "-f", "locustfiles/mixed.py", "--headless"]
    command += ["--rate", "20/s", "-t", "1h", "--host", service.url, "--topic", topic]
    command += ["--bootstrap-servers", broker.bootstrap_servers, "--reports-dir", str(reports)]
    command += ["--run-id", "run-1", "--exit-code-on-error", "0"]
    with open(reports / "locust.log", "wb") as log:  # noqa: PTH123 - a stream for a process
        locust = psutil.Popen(command, stdout=log, stderr=log)
    try:
        yield locust
    finally:
        locust.terminate()
        locust.wait(DEADLINE_S)


@contextlib.contextmanager
def beside(reports: Path, name: str) -> Iterator[psutil.Popen]:
    """Let a command follow the run, or judge it; what it says is in a file of its name."""
    command = [sys.executable, "-m", "headcount", name, str(reports / "run-1")]
    with open(reports / f"{name}.log", "ab") as log:  # noqa: PTH123
        process = psutil.Popen(command, stdout=log, stderr=log, env=dict(os.environ))
    try:
        yield process
    finally:
        if process.is_running():
            process.kill()
        process.wait(DEADLINE_S)


def pieces(reports: Path) -> int:
    """Count what was taken in."""
    return len(list((reports / "run-1" / "follow" / "pieces").glob("*.json")))


def await_more(reports: Path, follower: psutil.Popen) -> None:
    """Wait until more is taken in, by a follower that must not end."""
    before = pieces(reports)

    def is_more() -> bool:
        assert follower.is_running(), (reports / "follow.log").read_text()
        return pieces(reports) > before

    wait_until(is_more, DEADLINE_S, "more is taken in")


def test_it_outlives_spark_and_itself(
    broker: Broker, topic: str, tmp_path: Path, environ: dict[str, str]
) -> None:
    """Spark is killed, then the follower: both go on, to the verdict of afterwards.

    Who asks for that while the follower is there has to wait.
    """
    log, database = tmp_path / "service.log", tmp_path / "game.sqlite3"
    config = ServerConfig(broker.bootstrap_servers, topic, log, environ, port=0, database=database)
    before = set(psutil.pids())
    with Server(config) as service, load(tmp_path, service, broker, topic) as locust:
        manifest = tmp_path / "run-1" / "run.json"
        wait_until(manifest.exists, DEADLINE_S, "the run has begun")
        with beside(tmp_path, "follow") as follower:
            await_more(tmp_path, follower)
            (spark,) = (each for each in follower.children() if "java" in each.name())
            spark.kill()
            await_more(tmp_path, follower)
        with beside(tmp_path, "follow") as follower:
            await_more(tmp_path, follower)
            known = pieces(tmp_path)
            with beside(tmp_path, "verify"):
                log = tmp_path / "verify.log"
                wait_until(lambda: "another process" in log.read_text(), DEADLINE_S, "it waits")
            locust.terminate()
            code = follower.wait(DEADLINE_S)
    said = (tmp_path / "follow.log").read_text()
    assert code == 0, said
    assert known >= 3
    assert "Spark stopped following (it died; its log is " in said
    assert "Traceback" not in said
    assert "Verdict: pass" in said
    found = json.loads((tmp_path / "run-1" / "verdict.json").read_text())
    assert left_by(tmp_path, before) == []
    again = headcount(tmp_path, "verify", str(tmp_path / "run-1"), "--json")
    assert again.code == 0, again.err
    same = ("verdict", "counts", "by_event_type", "offsets", "reasons", "ledger")
    assert [again.verdict[name] for name in same] == [found[name] for name in same]
    assert found["counts"]["delivered"] == found["counts"]["attempted"] > 0
