"""Whether the run's range was read completely, and from the topic that the run wrote to."""

from collections.abc import Iterator

from headcount import noun_counts
from headcount.run.manifest import Manifest
from headcount.run.verdict import Check
from headcount_analysis.evidence import Evidence
from headcount_analysis.judge.doubts import Doubt, doubts_or_kept
from headcount_analysis.judge.limits import Limits
from headcount_analysis.read.partition_summary import PartitionRead
from headcount_analysis.read.topic_seen import TopicSeen

NAME = "topic read"


def checks(evidence: Evidence, _limits: Limits) -> Iterator[Check]:
    """Check that each partition was read from the run's start to its end."""
    read = sum(partition.read for partition in evidence.partitions)
    messages = noun_counts.number(read, "message")
    partitions = noun_counts.number(len(evidence.partitions), "partition")
    complete = f"{messages} from {partitions}, up to the end"
    return doubts_or_kept(NAME, _doubts(evidence), complete)


def other_topic(manifest: Manifest, seen: TopicSeen) -> Iterator[Doubt]:
    """Yield why today's topic is not the one that the run wrote to."""
    if seen.cluster_id is not None and seen.cluster_id != manifest.cluster_id:
        yield Doubt(
            f"the cluster is {seen.cluster_id}, but the run used {manifest.cluster_id}",
            "verify against the cluster that the run wrote to",
        )
    both_known = seen.topic_id is not None and manifest.topic_id is not None
    if both_known and seen.topic_id != manifest.topic_id:
        yield Doubt(
            f"the topic {manifest.topic} was deleted and recreated after the run began: its "
            "events are gone",
            "run again",
        )


def _doubts(evidence: Evidence) -> Iterator[Doubt]:
    yield from other_topic(evidence.manifest, evidence.seen)
    read = {partition.partition for partition in evidence.partitions}
    for number in sorted(evidence.manifest.start_offsets.keys() - read):
        missing = f"partition {number} is missing from the topic {evidence.manifest.topic}"
        yield Doubt(missing, "run again")
    for partition in evidence.partitions:
        yield from _of_partition(partition, evidence)
    yield from _compaction(evidence)


def _of_partition(partition: PartitionRead, evidence: Evidence) -> Iterator[Doubt]:
    number = partition.partition
    start = evidence.seen.start_of(number, evidence.manifest.start_offsets.get(number, 0))
    log_start = max(
        evidence.end.log_start_offsets.get(number, 0),
        evidence.seen.log_start_offsets.get(number, 0),
    )
    if log_start > start:
        yield Doubt(
            f"partition {number} now begins at offset {log_start}, but the run began at {start}: "
            "its first events were deleted",
            "use a longer retention, and verify sooner",
        )
    if unreadable := evidence.end.unreadable.get(number):
        yield Doubt(
            f"partition {number} has {unreadable:,} messages after offset {partition.end - 1} that "
            "consumers cannot read yet: they are not on all in-sync replicas",
            "check the brokers, and verify again",
        )
    if partition.end < start:
        yield Doubt(
            f"partition {number} ends at offset {partition.end}, before the run's start at "
            f"{start}: the topic lost data, or it is a different topic",
            "run again",
        )
    if not partition.reached_end:
        stopped = f"reading stopped at offset {partition.last}"
        yield Doubt(
            f"partition {number} had to be read up to offset {partition.end - 1}, but "
            f"{'no message was read' if partition.last is None else stopped}",
            "verify again; transactions and compaction can also cause this",
        )


def _compaction(evidence: Evidence) -> Iterator[Doubt]:
    gaps = sum(partition.gaps for partition in evidence.partitions)
    manifest = evidence.manifest
    policies = (manifest.cleanup_policy, evidence.seen.cleanup_policy or "")
    policy = next((policy for policy in policies if "compact" in policy), None)
    if gaps and not any(policies):
        yield Doubt(
            f"{gaps:,} offsets of the topic {manifest.topic} hold no message, and its "
            "cleanup.policy is unknown, so compaction may have removed messages",
            "grant the user DescribeConfigs on the topic, and verify again",
        )
    if gaps and policy is not None:
        yield Doubt(
            f"the topic {manifest.topic} has cleanup.policy={policy}, and {gaps:,} "
            "offsets hold no message, because compaction removes messages",
            "use a topic with cleanup.policy=delete",
        )
