"""`headcount init`, `probe --write` and `run`: from an empty folder to a verdict."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from headcount.kafka.topic import ensure_topic
from headcount.stack.broker import Broker
from headcount.stack.ports import free_port
from headcount.stack.process import Process, wait_until

SHOP = Path(__file__).parents[1] / "ci" / "shop.py"
TOPIC = "sold"


@pytest.fixture
def shop(broker: Broker, tmp_path: Path) -> Iterator[str]:
    """The URL of a shop that publishes to the broker."""
    ensure_topic(broker.cluster, TOPIC, partitions=2, timeout_s=120)
    port = free_port()
    environ = {**os.environ, "BOOTSTRAP_SERVERS": broker.bootstrap_servers}
    command = [sys.executable, str(SHOP), str(port)]
    with Process("the shop", command, log_path=tmp_path / "shop.log", environ=environ) as process:
        wait_until(lambda: process.listens_on(port), 120, "the shop listens", process)
        yield f"http://127.0.0.1:{port}"


@pytest.mark.e2e
@pytest.mark.slow
def test_from_an_empty_folder(shop: str, broker: Broker, tmp_path: Path) -> None:
    """The files work as they are: the probe adds how the shop publishes, and a run passes."""
    folder = tmp_path / "project"
    folder.mkdir()
    service = ("--host", shop, "--topic", TOPIC, "--path", "/orders")
    called("init", *service, "--bootstrap-servers", broker.bootstrap_servers, folder=folder)
    called("probe", "--write", "headcount.toml", "--settle", "60s", folder=folder)
    options = (folder / "headcount.toml").read_text()
    assert 'id-at = "json:/meta/request"' in options
    assert 'compare-at = "/order"' in options
    verdict = called("run", "--run-time", "2s", "--users", "50", folder=folder)
    assert "Verdict: PASS" in verdict


def called(*arguments: str, folder: Path) -> str:
    """Call the command in a folder; it must end with exit code 0."""
    done = subprocess.run(
        [sys.executable, "-m", "headcount", *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
