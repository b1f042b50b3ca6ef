"""Settings of every reader of a topic, so that all of them see what the judgement sees."""

from collections.abc import Mapping
from typing import Any

from headcount.kafka.cluster import Cluster
from headcount.kafka_settings import librdkafka

READING = {
    # The client requires a group id, but joins no group and commits no offsets.
    "group.id": "headcount-judge",
    "client.id": "headcount",
    "enable.auto.commit": False,
    # Nothing is skipped silently; messages of an aborted transaction were never published.
    "auto.offset.reset": "error",
    "isolation.level": "read_committed",
    "check.crcs": True,
    "enable.partition.eof": True,
}
"""Settings of librdkafka's consumer."""


def consumer_settings(cluster: Cluster, more: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a consumer that reads a cluster. They may contain secrets."""
    servers = {"bootstrap.servers": cluster.bootstrap_servers}
    return {**READING, **more, **servers, **librdkafka.client_options(cluster.settings)}
