"""Findings about a Kafka cluster: its brokers, each as this machine reaches it, and your rights."""

from collections.abc import Iterator

from headcount.cli.finding import Finding, checked
from headcount.errors import PartError
from headcount.kafka import cluster_metadata, topic
from headcount.kafka.cluster import Cluster
from headcount.kafka.listener_probe import ADVERTISED, why_no_connection, why_unusable
from headcount.kafka.permissions import Operation, how_to_grant
from headcount.kafka.topic import TopicDescription

_NEEDED = (Operation.DESCRIBE, Operation.READ)
_UNKNOWN = "retention and cleanup.policy stay unknown"
_LACKED = {
    Operation.DESCRIBE_CONFIGS: f"not allowed: {_UNKNOWN}",
    Operation.WRITE: "not allowed; only a service that logs in as this user needs it",
}
"""Operations that a run does not need, and what is missing without them."""


def of_cluster(cluster: Cluster, name: str) -> Iterator[Finding]:
    """Check the cluster, every broker that it advertises, and the rights on a topic if named."""
    first = checked(
        "cluster", lambda: f"{cluster_metadata.cluster_id(cluster)}, {cluster.settings.summary}"
    )
    yield first
    if first.remedy:
        return
    for server in cluster_metadata.brokers(cluster):
        yield _broker(server, cluster)
    if name:
        yield from _rights(cluster, name)


def _broker(server: str, cluster: Cluster) -> Finding:
    host, _, port = server.rpartition(":")
    reason = why_no_connection(host, int(port))
    if reason:
        return Finding("broker", server, f"advertised as {server}, {reason}: {ADVERTISED}")
    return Finding("broker", server, why_unusable(server, cluster.settings))


def _rights(cluster: Cluster, name: str) -> Iterator[Finding]:
    try:
        described = topic.describe(cluster, name)
    except PartError as error:
        yield Finding(f"topic {name}", "", str(error))
        return
    if described is None:
        create = "create it, or let headcount run do so with --create-topic"
        yield Finding(f"topic {name}", "missing", create)
        return
    yield Finding(f"topic {name}", f"{described.partitions} partitions")
    for operation in (*_NEEDED, *_LACKED):
        yield _right(operation, described, cluster)


def _right(operation: Operation, described: TopicDescription, cluster: Cluster) -> Finding:
    label = f"right to {operation}"
    is_shown = described.operations is None or operation.name in described.operations
    if operation is Operation.DESCRIBE_CONFIGS and is_shown and described.cleanup_policy is None:
        return Finding(label, f"the brokers show no settings: {_UNKNOWN}")
    if described.operations is None:
        return Finding(label, "the brokers do not report it")
    if operation.name in described.operations:
        return Finding(label, "granted")
    if operation in _LACKED:
        return Finding(label, _LACKED[operation])
    return Finding(label, "missing", how_to_grant(cluster, operation, described.name))
