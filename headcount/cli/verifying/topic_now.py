"""The run's topic now: it may have changed since the run began."""

from headcount_analysis.read.topic_seen import TopicSeen

from headcount.kafka import cluster_metadata, leader_requests, topic
from headcount.kafka.cluster import Cluster
from headcount.kafka.permissions import check_read
from headcount.kafka.topic import TopicDescription
from headcount.run.manifest import Manifest


def topic_now(cluster: Cluster, manifest: Manifest) -> TopicSeen:
    """Describe the cluster now, to check that it is the run's and still has all of the topic.

    Raises:
        PartError: No broker answers, or the user may not read the topic.
    """
    cluster_id = cluster_metadata.cluster_id(cluster)
    described = topic.describe(cluster, manifest.topic)
    if described is None:
        return TopicSeen(cluster_id)
    check_read(cluster, manifest.topic, described.operations)
    return TopicSeen(
        cluster_id,
        topic_id=described.topic_id,
        cleanup_policy=described.cleanup_policy,
        log_start_offsets=topic.beginning_offsets(cluster, manifest.topic),
        leader_epochs=described.leader_epochs,
        epoch_ends=epoch_ends(cluster, manifest, described),
    )


def epoch_ends(cluster: Cluster, manifest: Manifest, described: TopicDescription) -> dict[int, int]:
    """Return where the leader epochs of the run's start end, by partition.

    Partitions without a new leader since then are left out. Without topic ids none is known,
    because a topic that was deleted and created again would look like a truncated one.

    Raises:
        PartError: No broker answers.
    """
    if manifest.topic_id is None or manifest.topic_id != described.topic_id:
        return {}
    ended = {
        number: epoch
        for number, epoch in manifest.start_epochs.items()
        if described.leader_epochs.get(number, epoch) > epoch
    }
    return leader_requests.epoch_ends(cluster, manifest.topic, ended) if ended else {}
