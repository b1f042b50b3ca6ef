"""Following: a verdict soon after the end, even if Spark or the follower dies meanwhile.

`tests/analysis/follow` shows that it equals the verdict without following.
"""

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

FOLLOWED = r"^Followed: (nothing|[\d,]+ messages, [\d,]+ blocks compared)$"

pytestmark = pytest.mark.e2e


@pytest.mark.heavy
def test_a_run_that_is_followed(tmp_path: Path) -> None:
    """A followed run has a verdict, however short it is, and following leaves no files.

    No other process judges the run meanwhile, not even Locust with `--verify`.
    """
    command = (*a_counted_run("--follow"), "--reports-dir", str(tmp_path), "--", "--verify")
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(headcount, tmp_path, *command)
        wait_until(lambda: is_locked(tmp_path / "run-1"), DEADLINE_S, "the run is locked")
        run = future.result()
    assert run.code == 0, run.err
    assert not (run.folder / "logs" / "verify.log").exists()
    assert "Verdict: PASS." in run.out
    assert re.search(FOLLOWED, run.err, re.MULTILINE)
    assert not (run.folder / "follow").exists()
    assert not list(run.folder.glob(".*"))


def is_locked(run: Path) -> bool:
    """Return whether a process holds the lock for judging a run."""
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
    """Drive a service at a low rate until the block ends."""
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
def running(reports: Path, name: str) -> Iterator[psutil.Popen]:
    """Run a command on the run for the block; its output is in a log with its name."""
    command = [sys.executable, "-m", "headcount", name, str(reports / "run-1")]
    with open(reports / f"{name}.log", "ab") as log:  # noqa: PTH123
        process = psutil.Popen(command, stdout=log, stderr=log, env=dict(os.environ))
    try:
        yield process
    finally:
        if process.is_running():
            process.kill()
        process.wait(DEADLINE_S)


def batches(reports: Path) -> int:
    """Count the batches that the follower has read."""
    return len(list((reports / "run-1" / "follow" / "pieces").glob("*.json")))


def await_more(reports: Path, follower: psutil.Popen) -> None:
    """Wait until the follower has read another batch; it must not end."""
    before = batches(reports)

    def is_more() -> bool:
        assert follower.is_running(), (reports / "follow.log").read_text()
        return batches(reports) > before

    wait_until(is_more, DEADLINE_S, "another batch is read")


@pytest.mark.heavy
def test_following_survives_kills(
    broker: Broker, topic: str, tmp_path: Path, environ: dict[str, str]
) -> None:
    """Spark is killed, then the follower: following resumes, and every event is accounted for.

    A `verify` during following has to wait.
    """
    log, database = tmp_path / "service.log", tmp_path / "game.sqlite3"
    config = ServerConfig(broker.bootstrap_servers, topic, log, environ, port=0, database=database)
    before = set(psutil.pids())
    with Server(config) as service, load(tmp_path, service, broker, topic) as locust:
        manifest = tmp_path / "run-1" / "run.json"
        wait_until(manifest.exists, DEADLINE_S, "the run has begun")
        with running(tmp_path, "follow") as follower:
            await_more(tmp_path, follower)
            (spark,) = (child for child in follower.children() if "java" in child.name())
            spark.kill()
            await_more(tmp_path, follower)
        with running(tmp_path, "follow") as follower:
            await_more(tmp_path, follower)
            known = batches(tmp_path)
            with running(tmp_path, "verify"):
                log = tmp_path / "verify.log"
                wait_until(lambda: "another process" in log.read_text(), DEADLINE_S, "verify waits")
            locust.terminate()
            code = follower.wait(DEADLINE_S)
    output = (tmp_path / "follow.log").read_text()
    assert code == 0, output
    assert known >= 3
    assert "Spark stopped following (it died; its log is " in output
    assert "Traceback" not in output
    assert "Verdict: PASS." in output
    verdict = json.loads((tmp_path / "run-1" / "verdict.json").read_text())
    assert left_by(tmp_path, before) == []
    assert verdict["counts"]["delivered"] == verdict["counts"]["attempted"] > 0
