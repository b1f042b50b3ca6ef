"""Brokers that lack requests of Apache Kafka's, as Event Hubs and older Redpanda do."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from headcount.cli.commands.doctor import doctor
from headcount.kafka.cluster import Cluster
from headcount.kafka.cluster_metadata import brokers, cluster_id
from headcount.kafka.leader_requests import epoch_ends
from headcount.kafka.topic import (
    beginning_offsets,
    describe,
    end_offsets,
    ensure_topic,
    written_offsets,
)
from headcount.stack.broker import Broker
from tests.older_brokers import (
    WITHOUT_EPOCHS,
    WITHOUT_RIGHTS,
    WITHOUT_SETTINGS,
    WITHOUT_TOPIC_IDS,
    older_broker,
)

pytestmark = pytest.mark.e2e

UNKNOWN = {
    "topic ids": (WITHOUT_TOPIC_IDS, {"topic_id"}),
    "settings": (
        WITHOUT_SETTINGS,
        {"topic_id", "cleanup_policy", "retention_ms", "timestamp_type"},
    ),
    "rights": (
        WITHOUT_RIGHTS,
        {"topic_id", "cleanup_policy", "retention_ms", "timestamp_type", "operations"},
    ),
    "epochs": (
        WITHOUT_EPOCHS,
        {"topic_id", "cleanup_policy", "retention_ms", "timestamp_type", "operations"},
    ),
}
"""What each broker lacks in addition to the one before, and which fields are then unknown."""


@pytest.mark.parametrize("lacks", UNKNOWN)
def test_what_a_broker_lacks_is_unknown(broker: Broker, topic: str, lacks: str) -> None:
    """Everything else is known, no request is made that the broker lacks, and nothing waits."""
    latest, unknown = UNKNOWN[lacks]
    known = describe(broker.cluster, topic)
    assert known is not None
    changes: dict[str, Any] = dict.fromkeys(unknown)
    if latest is WITHOUT_EPOCHS:
        changes["leader_epochs"] = {}
    expected = replace(known, **changes)
    with older_broker(broker.port, latest) as older:
        cluster = Cluster(older.bootstrap_servers)
        assert describe(cluster, topic) == expected
        assert ensure_topic(cluster, topic, 4, timeout_s=600) == expected
        made = ensure_topic(cluster, f"{topic}-new", 2, timeout_s=600)
        assert (made.partitions, made.topic_id) == (2, None)
        assert cluster_id(cluster) == broker.cluster_id
        assert brokers(cluster) == [older.bootstrap_servers]
        for offsets in (beginning_offsets, end_offsets, written_offsets):
            assert offsets(cluster, topic) == dict.fromkeys(range(4), 0)
        assert epoch_ends(cluster, topic, {0: 0}, timeout_s=600) == {}
    assert older.beyond == set()


@pytest.mark.parametrize(
    ("latest", "settings"),
    [(WITHOUT_TOPIC_IDS, "granted"), (WITHOUT_RIGHTS, "the brokers show no settings")],
)
def test_doctor(
    broker: Broker, topic: str, tmp_path: Path, *, latest: Mapping[int, int], settings: str
) -> None:
    """It says what is not known, and calls none of it a problem."""
    with older_broker(broker.port, latest) as older:
        servers = ("--bootstrap-servers", older.bootstrap_servers, "--topic", topic)
        command = [*servers, "--reports-dir", str(tmp_path)]
        done = CliRunner().invoke(doctor, command, standalone_mode=False)
    lines = [" ".join(line.split()) for line in done.output.splitlines()]
    assert done.return_value == 0, done.output
    read = "granted" if latest is WITHOUT_TOPIC_IDS else "the brokers do not report it"
    assert f"ok right to Read {read}" in lines
    assert f"ok broker {older.bootstrap_servers}" in lines
    (line,) = (line for line in lines if "DescribeConfigs" in line)
    assert line.startswith(f"ok right to DescribeConfigs {settings}")
    assert older.beyond == set()
