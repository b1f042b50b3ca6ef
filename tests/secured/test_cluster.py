"""Three secured brokers: a run, its live view and its verdict survive the loss of a leader."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from headcount.cli.platform import platform
from headcount.console import Console
from headcount.kafka import topic
from headcount.stack.ports import free_port
from headcount.stack.process import wait_until
from tests.e2e.command import DEADLINE_S, a_counted_run, headcount, open_beyond_loopback
from tests.headcount.plugin.locusts import AWAITED
from tests.secured.exposure import watched
from tests.secured.three_brokers import COUNT, ThreeBrokers, three_brokers

pytestmark = [pytest.mark.e2e, pytest.mark.heavy]

AFTERWARDS = 50
"""How many messages in a partition show that it works again."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ThreeBrokers]:
    """The brokers, for all tests of the file; each test leaves all of them running."""
    ready = platform(dict(os.environ), Console(quiet=True))
    with three_brokers(tmp_path_factory.mktemp("brokers"), ready) as started:
        yield started


def options(cluster: ThreeBrokers, name: str, reports: Path) -> tuple[str, ...]:
    """Create a topic with replicas on all brokers; return the options of a command that uses it."""
    topic.ensure_topic(cluster.plain, name, COUNT, COUNT, timeout_s=120)
    servers = ("--bootstrap-servers", cluster.secure_servers, "--topic", name)
    config = ("--kafka-config", str(cluster.client_file))
    return (*servers, *config, "--reports-dir", str(reports))


def lose_leader(cluster: ThreeBrokers, name: str) -> int:
    """Lose the leader of partition 0, and wait until it has more events; return its index."""
    enough = cluster.end(name) + AFTERWARDS
    index = cluster.lose_leader(name)
    wait_until(lambda: cluster.end(name) > enough, DEADLINE_S, "events arrive again")
    return index


@pytest.mark.parametrize(("faults", "lost"), [("", 0), ("drop@3", 1)], ids=["passing", "failing"])
def test_leaders_lost_before_and_after_the_end(
    cluster: ThreeBrokers,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    faults: str,
    lost: int,
) -> None:
    """A followed run loses a leader, and another before `verify`: only what is withheld is lost."""
    name, end = f"followed-{lost}", tmp_path / "end"
    end.mkdir()
    where = (*options(cluster, name, tmp_path), "--spark-heap", "1g")
    abort = () if lost else ("--threshold", "lost == 0 abort")
    app = ("--app", "tests.harmful.by_number:app") if faults else ()
    command = a_counted_run(*where, "--follow", *app, *abort)
    pieces = tmp_path / "run-1" / "follow" / "pieces"
    with ThreadPoolExecutor(1) as pool:
        monkeypatch.setenv(AWAITED, str(end))
        future = pool.submit(headcount, tmp_path, *command, FAULTS=faults)
        wait_until(lambda: any(pieces.glob("*.json")), DEADLINE_S, "the run is followed")
        first = lose_leader(cluster, name)
        (end / "now").touch()
        done = future.result()
    assert done.code == lost, done.err
    counts = done.verdict["counts"]
    assert (counts["lost"], counts["duplicated"]) == (lost, 0)
    assert counts["delivered"] > AFTERWARDS

    cluster.restart(first, name)
    second = cluster.lose_leader(name)
    config = ("--kafka-config", str(cluster.client_file), "--spark-heap", "1g")
    again = headcount(tmp_path, "verify", str(done.folder), *config)
    cluster.restart(second, name)
    assert again.code == lost, again.err
    assert again.verdict["counts"] == counts


@contextlib.contextmanager
def web_ui(*more: str) -> Iterator[str]:
    """Run `headcount up` for the block; yield the address of Locust's web UI."""
    command = [sys.executable, "-m", "headcount", "up", *more, "--", "--web-port", str(free_port())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = re.search(r"http://\S+", process.stdout.readline())
            assert address is not None
            yield address[0]
            assert open_beyond_loopback(process.pid) == set()
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(DEADLINE_S)


def ask(url: str, **fields: str) -> Any:
    """Request JSON; with fields, as a form is sent."""
    form = urllib.parse.urlencode(fields).encode() if fields else None
    with urllib.request.urlopen(url, form, timeout=120) as answer:  # noqa: S310 - always http
        return json.load(answer)


def test_the_delivery_tab(cluster: ThreeBrokers, tmp_path: Path) -> None:
    """It keeps counting when a leader is lost; another is lost just before the test is stopped.

    No page, process or file shows the password.
    """
    name, passwords = "watched", [cluster.password]
    where = options(cluster, name, tmp_path)
    with watched(lambda: passwords) as exposure, web_ui(*where) as web:

        def tab() -> dict[str, Any]:
            state: dict[str, Any] = ask(f"{web}/headcount/delivery.json")
            return state

        def figure(name: str) -> int:
            """Return the figure of a tile; 0 while it is not known."""
            values = {tile["id"]: tile["value"] for tile in tab().get("tiles", ())}
            digits = re.sub(r"\D", "", values.get(name, ""))
            return int(digits or 0)

        form = {"user_count": "10", "spawn_rate": "10", "thresholds": "lost == 0 abort"}
        assert ask(f"{web}/swarm", **form)["success"]
        wait_until(lambda: figure("arrived") > AFTERWARDS, DEADLINE_S, "the tab counts events")
        first, enough = lose_leader(cluster, name), figure("arrived") + AFTERWARDS
        wait_until(lambda: figure("arrived") > enough, DEADLINE_S, "the tab counts on")
        assert figure("missing") == 0
        cluster.restart(first, name)
        second = cluster.lose_leader(name)
        ask(f"{web}/stop", stop="")
        judged = {"judged", "not judged"}
        wait_until(lambda: tab()["stage"] in judged, DEADLINE_S, "the test is judged")
        state = tab()
        report = f"headcount/runs/{state['run_id']}/report.html"
        for page in ("", "stats/requests", "exceptions", "headcount/runs", report):
            exposure.check_page(web, page)
    exposure.check_files(tmp_path)
    assert exposure.exposed == set()
    cluster.restart(second, name)
    assert state["stage"] == "judged", state["meaning"]
    assert "PASS" in state["label"]
    assert state["notices"] == []
    verdict = json.loads((tmp_path / state["run_id"] / "verdict.json").read_text())
    counts = verdict["counts"]
    assert (counts["lost"], counts["duplicated"]) == (0, 0)
    assert counts["delivered"] > AFTERWARDS
