"""Verifying against a real broker: the reader's range, its options, and how it fails."""

import functools
from pathlib import Path

import pytest
from headcount_analysis.messages.timestamps import LOG_APPEND_TIME
from headcount_analysis.pipeline.cache import RunCache
from headcount_analysis.pipeline.plan import VerificationPlan
from headcount_analysis.pipeline.tools import Tools
from headcount_analysis.pipeline.verify import verify
from headcount_analysis.read.source import Kafka
from headcount_analysis.read.topic_seen import TopicSeen
from headcount_analysis.report.model import Report
from headcount_analysis.spark.tables import Tables
from kafka import KafkaProducer
from pyspark.sql import SparkSession

from headcount.kafka.cluster import Cluster
from headcount.kafka.cluster_metadata import cluster_id
from headcount.kafka.topic import beginning_offsets, end_offsets, is_empty
from headcount.run.manifest import End, Manifest
from headcount.run.verdict import Verdict
from headcount.stack.broker import Broker
from headcount.stack.process import wait_until
from tests.analysis.synthetic_run import RunHistory, event_id

pytestmark = pytest.mark.e2e


def publish(servers: str, topic: str, history: RunHistory) -> None:
    """Publish a history's messages to their partitions, in the order of their offsets."""
    producer = KafkaProducer(bootstrap_servers=servers)
    for partition, _offset, _at_ms, key, value in history.messages:
        producer.send(topic, value=value, key=key, partition=partition).get(60)
    producer.close()


def judged(
    history: RunHistory,
    spark: SparkSession,
    servers: str,
    topic: str,
    end: End,
    *,
    patience_s: float = 60,
) -> Report:
    """Verify a history in a real topic."""
    manifest = Manifest(
        **{
            **{name: getattr(history.manifest, name) for name in Manifest.__dataclass_fields__},
            "bootstrap_servers": servers,
            "topic": topic,
            "cluster_id": cluster_id(Cluster(servers)),
        }
    )
    seen = TopicSeen(cluster_id=cluster_id(Cluster(servers)))
    plan = VerificationPlan(history.folder, manifest, end, seen=seen)
    tools = Tools(
        spark.sparkContext,
        Kafka(spark.sparkContext, Cluster(servers), patience_s),
        Tables(history.folder.path.absolute()),
        is_empty=functools.partial(is_empty, Cluster(servers), topic, timeout_s=patience_s),
    )
    return verify(plan, tools, RunCache())


def test_reads_exactly_the_range(
    tmp_path: Path, spark: SparkSession, broker: Broker, topic: str
) -> None:
    """Messages before and after the run are left out; a loss and an empty partition show."""
    servers = broker.bootstrap_servers
    history = RunHistory(tmp_path, spark)
    history.arrive(event_id(99), 0)  # would be a phantom
    publish(servers, topic, history)
    history.start = beginning_offsets(Cluster(servers), topic) | {0: 1}
    history.messages.clear()
    history.deliver(3)
    history.attempt(3)
    history.arrive_raw(None, 0, partition=2, key="tombstone")
    publish(servers, topic, history)
    end = End(
        end_offsets(Cluster(servers), topic), beginning_offsets(Cluster(servers), topic), "now"
    )
    history.messages.clear()
    history.arrive(event_id(98), 0)
    publish(servers, topic, history)
    history.write()

    report = judged(history, spark, servers, topic, end)

    assert [reason.split(":")[0] for reason in report.reasons] == ["1 lost"]
    assert report.verdict is Verdict.FAIL
    assert report.evidence is not None
    assert report.evidence.timestamp_types == {LOG_APPEND_TIME}
    read = {
        partition.partition: (partition.start, partition.end, partition.read)
        for partition in report.evidence.partitions
    }
    assert read == {0: (1, 4, 3), 1: (0, 0, 0), 2: (0, 1, 1), 3: (0, 0, 0)}
    assert report.counts is not None
    assert report.counts.malformed == 1


@pytest.mark.parametrize("is_committed", [True, False])
def test_transactions(
    tmp_path: Path, spark: SparkSession, broker: Broker, topic: str, is_committed: bool
) -> None:
    """Events of an aborted transaction are lost; a marker at a partition's end is not a message."""
    servers = broker.bootstrap_servers
    history = RunHistory(tmp_path, spark)
    history.start = beginning_offsets(Cluster(servers), topic)
    history.deliver(3)
    producer = KafkaProducer(bootstrap_servers=servers, transactional_id=f"of-{topic}")
    producer.init_transactions()
    # An event that is always delivered: without any, no loss is certain.
    for messages, is_kept in ((history.messages[:1], True), (history.messages[1:], is_committed)):
        producer.begin_transaction()
        for partition, _offset, _at_ms, key, value in messages:
            producer.send(topic, value=value, key=key, partition=partition)
        producer.flush(30)
        producer.commit_transaction() if is_kept else producer.abort_transaction()
    producer.close()
    history.write()
    # The marker is written only after the producer's commit or abort returns.
    wait_until(lambda: end_offsets(Cluster(servers), topic)[0] == 5, 30, "the marker is there")
    end = End(
        end_offsets(Cluster(servers), topic), beginning_offsets(Cluster(servers), topic), "now"
    )

    report = judged(history, spark, servers, topic, end)

    assert report.counts is not None
    assert (report.counts.delivered, report.counts.lost) == ((3, 0) if is_committed else (1, 2))
    assert report.verdict is (Verdict.PASS if is_committed else Verdict.FAIL)
    assert report.evidence is not None
    assert report.evidence.partitions[0].tail_is_empty


def test_range_beyond_the_end_is_inconclusive(
    tmp_path: Path, spark: SparkSession, broker: Broker, topic: str
) -> None:
    """Offsets that Kafka does not have are never skipped silently."""
    servers = broker.bootstrap_servers
    history = RunHistory(tmp_path, spark)
    history.deliver(2)
    history.start = beginning_offsets(Cluster(servers), topic)
    publish(servers, topic, history)
    history.write()
    end = End(end_offsets(Cluster(servers), topic) | {0: 5}, {}, "now")

    report = judged(history, spark, servers, topic, end, patience_s=4)

    assert report.verdict is Verdict.INCONCLUSIVE
    assert len(report.reasons) >= 1


def test_wrong_broker_is_inconclusive(tmp_path: Path, spark: SparkSession) -> None:
    """A broker that does not answer ends in one line."""
    history = RunHistory(tmp_path, spark)
    history.deliver(1)
    history.write()

    plan = VerificationPlan(history.folder, history.manifest, history.reached)
    servers = history.manifest.bootstrap_servers
    source = Kafka(spark.sparkContext, Cluster(servers), patience_s=4)
    tables = Tables(history.folder.path.absolute())
    report = verify(plan, Tools(spark.sparkContext, source, tables), RunCache())

    assert report.verdict is Verdict.INCONCLUSIVE
    assert "\n" not in report.reasons[0]
