"""Cluster metadata: the cluster's id, and the brokers that it advertises."""

from headcount.kafka.client import LISTENING_WITHIN_S, TIMEOUT_S, connected
from headcount.kafka.cluster import Cluster


def cluster_id(
    cluster: Cluster,
    *,
    timeout_s: float = TIMEOUT_S,
    listening_within_s: float = LISTENING_WITHIN_S,
) -> str:
    """Return the id of the cluster.

    Raises:
        PartError: No broker answers.
    """
    what = "fetch the cluster's id"
    with connected(cluster, timeout_s, what, listening_within_s=listening_within_s) as client:
        return str(client.describe_cluster()["cluster_id"])


def brokers(cluster: Cluster, *, timeout_s: float = TIMEOUT_S) -> list[str]:
    """Return the addresses that the cluster advertises, as `host:port`.

    Raises:
        PartError: No broker answers.
    """
    with connected(cluster, timeout_s, "fetch the list of brokers") as client:
        described = client.describe_cluster()["brokers"]
    return sorted(f"{broker['host']}:{broker['port']}" for broker in described)
