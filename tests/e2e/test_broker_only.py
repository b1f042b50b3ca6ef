"""`headcount up --broker-only`: a broker with topics, until it is stopped."""

import os
import re
import sys
from pathlib import Path

import pytest

from headcount.kafka.cluster import Cluster
from headcount.kafka.topic import describe
from headcount.kafka_settings import config_file
from headcount.stack.process import Process, wait_until

INTERRUPTED = 130


@pytest.mark.e2e
@pytest.mark.slow
def test_a_secured_broker(tmp_path: Path) -> None:
    """It has the topics, prints how clients reach it, and stops when it is told to."""
    log = tmp_path / "up.log"
    topics = ("--topic", "orders", "--topic", "payments", "--partitions", "2")
    options = ("--broker-only", "--secure", *topics, "--reports-dir", str(tmp_path / "reports"))
    command = [sys.executable, "-m", "headcount", "up", *options]
    with Process("headcount up", command, log_path=log, environ=os.environ) as process:
        wait_until(lambda: "Ctrl-C stops it." in log.read_text(), 300, "the broker runs", process)
        text = log.read_text()
        (client_file,) = re.findall(r"client settings in (.+)", text)
        settings = config_file.load(Path(client_file))
        assert f"Kafka    {settings.bootstrap_servers}" in text
        cluster = Cluster(settings.bootstrap_servers, settings)
        for topic in ("orders", "payments"):
            description = describe(cluster, topic)
            assert description is not None
            assert description.partitions == 2
        process.stop(timeout_s=120)
        assert process.returncode == INTERRUPTED
    assert "everything that Headcount started has been stopped" in log.read_text()
    assert not Path(client_file).exists()
