"""The message of every error about a topic that does not exist."""

from headcount.kafka.cluster import Cluster


def missing_topic(name: str, cluster: Cluster, more: str = "") -> str:
    """Return the message; `more` is what follows from it, or what the user can do."""
    what = f"there is no topic {name!r} at {cluster}"
    return f"{what}: {more}" if more else what
