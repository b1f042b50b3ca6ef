"""The same verdict from a cluster: three brokers, two executors, four generators.

The hosts share only what the command line names: the topic, PostgreSQL and an object store.
"""

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pyarrow.fs as pafs
import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType

from headcount.cli.platform import platform
from headcount.cli.verifying import topic_end
from headcount.console import Console, Step
from headcount.kafka import topic
from headcount.kafka.cluster import Cluster
from headcount.run.folder import RunFolder
from tests.e2e.command import CompletedCommand
from tests.scale.cluster import (
    BROKERS,
    GENERATORS,
    RUN_ID,
    SPARK_WORKERS,
    TOPIC,
    LoopbackDeployment,
    cluster,
)
from tests.scale.object_store import BUCKET, opened
from tests.scale.spark_cluster import executors

pytestmark = [pytest.mark.e2e, pytest.mark.heavy]


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackDeployment]:
    """All parts; none of their processes is left after the tests."""
    folder = tmp_path_factory.mktemp("scale")
    with cluster(folder, platform(dict(os.environ), Console(quiet=True))) as started:
        yield started
    lines = [
        " ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])
    ]
    assert [line for line in lines if str(folder) in line] == []


def judged(verdict: dict[str, Any]) -> dict[str, Any]:
    """The parts of a verdict that do not depend on when and how it was reached."""
    names = ("verdict", "reasons", "counts", "by_event_type", "state", "state_check")
    return {name: verdict[name] for name in names}


@pytest.fixture(scope="module")
def followed(parts: LoopbackDeployment) -> CompletedCommand:
    """A run that the cluster follows: each generator has one lost event and one duplicated event.

    Each generator has five users, so that it makes five requests however slow the machine is.
    """
    with parts.service("tests.harmful.by_number:app", FAULTS="drop@3,duplicate@4") as server:
        return parts.run(server)


@pytest.fixture(scope="module")
def verdict(followed: CompletedCommand) -> dict[str, Any]:
    """The verdict on the followed run, read before a later `verify` overwrites it."""
    return followed.verdict


def test_a_cluster_that_follows(
    parts: LoopbackDeployment, followed: CompletedCommand, verdict: dict[str, Any]
) -> None:
    """All other events are delivered; the lost ones make PostgreSQL's state different."""
    assert (followed.code, verdict["state"]) == (1, "different"), followed.err
    assert re.search(r"^Followed: [1-9][\d,]* messages", followed.err, re.MULTILINE)
    assert "stopped following" not in followed.err
    counts = verdict["counts"]
    assert (counts["lost"], counts["duplicated"]) == (GENERATORS, GENERATORS)
    assert counts["delivered"] == counts["attempted"] - 2 * GENERATORS > 0
    assert_all_took_part(parts, followed.folder)


def test_the_same_verdict(
    parts: LoopbackDeployment, followed: CompletedCommand, verdict: dict[str, Any]
) -> None:
    """A later `verify` on a single machine reaches the same verdict as the cluster."""
    again = parts.headcount("verify", str(followed.folder))
    assert again.code == 1, again.err
    assert judged(again.verdict) == judged(verdict)
    assert_all_took_part(parts, again.folder)


class Waking(Step):
    """A step that resumes a stopped process at its first update."""

    def __init__(self, pid: int) -> None:
        super().__init__(Console(quiet=True), "Waiting for the last events")
        self.pid = pid
        self.details: list[str] = []

    def update(self, detail: str) -> None:
        """Record the detail, and resume the process."""
        self.details.append(detail)
        os.kill(self.pid, signal.SIGCONT)


REPETITIONS = 5


def test_unreplicated_messages_are_waited_for(parts: LoopbackDeployment) -> None:
    """With acks=1, messages are acknowledged but cannot be read while an in-sync replica hangs.

    The replica's broker remains a member of the cluster, and no request happens to go to it.
    """
    leader, *_, follower = parts.brokers
    name, replicas = "lagging", {0: [1, BROKERS]}  # broker ids, the leader first
    admin = KafkaAdminClient(bootstrap_servers=leader.bootstrap_servers)
    admin.create_topics({name: {"assignments": replicas}})
    admin.wait_for_topics([name])
    admin.close()
    step = Waking(follower.pid)
    producer = KafkaProducer(bootstrap_servers=leader.bootstrap_servers, acks=1)
    assert producer.partitions_for(name) == {0}  # fetched while all brokers answer
    os.kill(follower.pid, signal.SIGSTOP)
    try:
        for number in range(5):
            producer.send(name, b"%d" % number).get(timeout=120)
        servers_lists = [leader.bootstrap_servers, parts.bootstrap_servers] * REPETITIONS
        settled, *others = [topic.end_offsets(Cluster(servers), name) for servers in servers_lists]
        ends = topic_end._replicated(leader.cluster, name, step)  # noqa: SLF001
    finally:
        os.kill(follower.pid, signal.SIGCONT)
        producer.close()
    assert settled == {0: 0}
    assert others == [settled] * len(others)
    assert ends == ({0: 5}, {})
    assert step.details[0] == "not replicated yet: 5 messages"


def assert_all_took_part(parts: LoopbackDeployment, run: Path) -> None:
    """Check that every generator and executor wrote to the store, and that no file has its key."""
    manifest = RunFolder(run).read_manifest()
    name = f"{RUN_ID}-{manifest.tag}"
    assert manifest.ledger == f"s3://{BUCKET}/ledgers/{name}"
    assert not (run / "ledger").exists()
    assert in_store(parts, f"ledgers/{name}") == {str(number) for number in range(GENERATORS)}
    tables = {"arrivals.parquet", "fates.parquet", "effects.parquet", "stored.parquet"}
    assert in_store(parts, f"tables/{name}") == tables
    assert {path.name for path in run.glob("*.parquet")} == tables
    secret = parts.store["AWS_SECRET_ACCESS_KEY"].encode()
    files = [path for path in run.rglob("*") if path.is_file()]
    assert [path for path in files if secret in path.read_bytes()] == []
    assert len(executors(parts.folder / "spark")) == SPARK_WORKERS
    assert_replicated(parts.bootstrap_servers)


def in_store(parts: LoopbackDeployment, path: str) -> set[str]:
    """Return the names in a folder of the bucket."""
    selector = pafs.FileSelector(f"{BUCKET}/{path}")
    return {entry.base_name for entry in opened(parts.store).get_file_info(selector)}


def assert_replicated(servers: str) -> None:
    """Check that every broker has every partition, and that acknowledgements need two of them."""
    client = KafkaAdminClient(bootstrap_servers=servers)
    try:
        (described,) = client.describe_topics([TOPIC])
        resource = ConfigResource(ConfigResourceType.TOPIC, TOPIC)
        configs = client.describe_configs([resource], config_filter="all")["topic"][TOPIC]
    finally:
        client.close()
    assert {len(partition["isr_nodes"]) for partition in described["partitions"]} == {BROKERS}
    assert str(configs["min.insync.replicas"]["value"]) == str(BROKERS - 1)
