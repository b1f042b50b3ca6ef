"""Three secured brokers: a run survives the loss of a partition's leader."""

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from headcount.cli.platform import platform
from headcount.console import Console
from headcount.errors import PartError
from headcount.kafka import topic
from headcount.kafka.cluster import Cluster
from headcount.stack.broker_config import BrokerConfig, Membership
from headcount.stack.ports import LOOPBACK, free_port
from headcount.stack.process import wait_until
from headcount.stack.secure_listener import SecureListener, secure_listener
from tests.brokers import started_together
from tests.e2e.command import DEADLINE_S, headcount

pytestmark = [pytest.mark.e2e, pytest.mark.heavy]

BROKERS = 3
NAME = "orders"


def messages(cluster: Cluster) -> int:
    """Count the messages in the topic; 0 while it cannot be asked."""
    try:
        return sum(topic.end_offsets(cluster, NAME).values())
    except PartError:
        return 0


def test_a_leader_that_is_lost(tmp_path: Path) -> None:
    """Everything is delivered, and the verdict is reached with the brokers that are left."""
    ready = platform(dict(os.environ), Console(quiet=True))
    with ExitStack() as stack, ThreadPoolExecutor(1) as pool:
        folder = stack.enter_context(secure_listener()).folder
        members = Membership.of_cluster(BROKERS)
        listeners = [SecureListener(folder, free_port()) for _ in members]
        configs = [
            BrokerConfig(
                *(ready.java, ready.broker_jars, tmp_path / f"broker-{member.index}"),
                environ=ready.environ,
                membership=member,
                settings=listener.broker_settings(member),
            )
            for member, listener in zip(members, listeners, strict=True)
        ]
        brokers = started_together(configs, stack)
        listeners[0].add_user(brokers[0])
        cluster = Cluster(",".join(broker.bootstrap_servers for broker in brokers))
        topic.ensure_topic(cluster, NAME, BROKERS, BROKERS, timeout_s=120)
        servers = ",".join(f"{LOOPBACK}:{listener.port}" for listener in listeners)
        where = ("--bootstrap-servers", servers, "--topic", NAME, "--reports-dir", str(tmp_path))
        config = ("--kafka-config", str(listeners[0].client_file), "--run-id", "run-1")
        load = ("-u", "10", "-t", "30s", "--threshold", "lost == 0 abort", "--spark-heap", "1g")
        future = pool.submit(headcount, tmp_path, "run", *where, *config, *load)
        wait_until(lambda: messages(cluster) > 100, DEADLINE_S, "events arrive")
        brokers[-1].kill()
        done = future.result()
    assert done.code == 0, done.err
    counts = done.verdict["counts"]
    assert (counts["lost"], counts["duplicated"]) == (0, 0)
    assert counts["delivered"] > 100
