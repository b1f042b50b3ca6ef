"""The topic: created once, described as it is, and every call ends within its timeout."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.errors import (
    KafkaConnectionError,
    KafkaTimeoutError,
    TopicAuthorizationFailedError,
)

from headcount.errors import PartError, UsageError
from headcount.kafka import client
from headcount.kafka.client import FIRST_TIMEOUT_S, TIMEOUT_S
from headcount.kafka.cluster import Cluster
from headcount.kafka.cluster_metadata import cluster_id
from headcount.kafka.topic import beginning_offsets, describe, end_offsets, ensure_topic, is_empty
from headcount.stack.broker import Broker
from headcount.stack.ports import free_port
from headcount.stack.process import wait_until
from tests.conftest import NewBroker
from tests.permissions import DISCREET, guarded_broker

pytestmark = pytest.mark.e2e


def test_a_missing_topic_is_made_and_an_old_one_kept(broker: Broker) -> None:
    """The first call creates the topic as requested; the second changes nothing."""
    made = ensure_topic(broker.cluster, "made-once", 3)
    assert (made.partitions, made.replication, made.cleanup_policy) == (3, 1, "delete")
    assert (made.retention_ms, made.timestamp_type) == (-1, "LogAppendTime")
    assert made.topic_id is not None
    assert len(made.topic_id) == 36
    assert ensure_topic(broker.cluster, "made-once", 8) == made
    assert describe(broker.cluster, "made-once") == made


def test_a_broker_that_learns_of_a_new_topic_late_is_asked_again(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a cluster, the broker that returns the configuration may not know the topic yet.

    The client then returns no settings.
    """
    asked: list[object] = []
    answer = KafkaAdminClient.describe_configs

    def late(client: KafkaAdminClient, *wanted: Any, **how: Any) -> Any:
        asked.append(wanted)
        return answer(client, *wanted, **how) if len(asked) == 3 else {"topic": {"heard-late": {}}}

    monkeypatch.setattr(KafkaAdminClient, "describe_configs", late)
    assert ensure_topic(broker.cluster, "heard-late", 2).partitions == 2
    assert len(asked) == 3


def test_a_lost_leader_is_replaced_before_offsets_are_read(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until its successor is elected, the leader that the cluster names refuses connections."""
    ensure_topic(broker.cluster, "leaderless", 2)
    asked: list[object] = []
    answer = KafkaAdminClient.list_partition_offsets

    def refused(client: KafkaAdminClient, specs: Any) -> Any:
        asked.append(specs)
        if len(asked) < 3:
            raise KafkaConnectionError
        return answer(client, specs)

    monkeypatch.setattr(KafkaAdminClient, "list_partition_offsets", refused)
    assert end_offsets(broker.cluster, "leaderless") == {0: 0, 1: 0}
    assert len(asked) == 3


def test_a_refusal_to_give_offsets_is_not_waited_for(
    broker: Broker, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Time changes nothing about a missing right."""
    asked: list[object] = []

    def denied(_client: KafkaAdminClient, specs: Any) -> Any:
        asked.append(specs)
        raise TopicAuthorizationFailedError

    monkeypatch.setattr(KafkaAdminClient, "list_partition_offsets", denied)
    with pytest.raises(PartError, match="lacks the right"):
        end_offsets(broker.cluster, topic)
    assert len(asked) == 1


@pytest.mark.slow
def test_settings_that_the_user_may_not_see(new_broker: NewBroker) -> None:
    """They are unknown, and everything else is known."""
    broker = guarded_broker(new_broker, "discreet", *DISCREET)
    described = ensure_topic(broker.cluster, "discreet", 1, timeout_s=10)
    assert (described.cleanup_policy, described.retention_ms, described.partitions) == (
        None,
        None,
        1,
    )
    broker.stop()


def test_offsets_count_messages_by_partition(broker: Broker, topic: str) -> None:
    """The end of a partition moves by one for each message in it, the beginning stays."""
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap_servers)
    try:
        for partition in (0, 2, 2):
            producer.send(topic, b"x", partition=partition).get(60)
    finally:
        producer.close()
    assert end_offsets(broker.cluster, topic) == {0: 1, 1: 0, 2: 2, 3: 0}
    assert beginning_offsets(broker.cluster, topic) == dict.fromkeys(range(4), 0)


def test_the_id_of_the_cluster(broker: Broker) -> None:
    """It is the same id that the cluster reported when it started."""
    assert cluster_id(broker.cluster) == broker.cluster_id


def test_a_missing_topic_has_no_offsets(broker: Broker) -> None:
    """Describing a missing topic returns None; reading its offsets raises an error."""
    assert describe(broker.cluster, "none") is None
    with pytest.raises(PartError, match=r"there is no topic 'none' at 127"):
        end_offsets(broker.cluster, "none")


@pytest.mark.parametrize(
    ("name", "partitions", "replication", "message"),
    [
        ("bad name", 1, 1, r"create the topic 'bad name' .*letters, digits"),
        ("fine", 0, 1, r"at least 1 partition"),
        ("fine", 1, 3, r"fewer brokers than the requested number of replicas"),
    ],
)
def test_a_refusal_is_reported_clearly(
    broker: Broker, name: str, partitions: int, replication: int, message: str
) -> None:
    """A refusal names the topic, the place and the rule."""
    with pytest.raises(PartError, match=message):
        ensure_topic(broker.cluster, name, partitions, replication)


def clients_threads() -> set[threading.Thread]:
    """The threads in which clients wait for brokers."""
    return {thread for thread in threading.enumerate() if thread.name.startswith("kafka")}


@pytest.mark.parametrize("call", [describe, end_offsets, beginning_offsets])
def test_a_missing_broker_is_reported_in_time(call: Callable[..., object]) -> None:
    """If nothing listens, the error comes in time, and names the place and the reason."""
    threads = clients_threads()
    began_s = time.monotonic()
    place = f"127.0.0.1:{free_port()}"
    message = f"no Kafka broker answered at {place} within 1 s: connection refused"
    with pytest.raises(PartError, match=message):
        call(Cluster(place), "t", timeout_s=1.0)
    assert time.monotonic() - began_s < 60
    assert clients_threads() == threads  # the client's thread has ended too


def test_a_listener_that_is_not_a_broker_is_reported_in_time() -> None:
    """A listener that accepts connections but stays silent does not hold the command up."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        place = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(
            PartError, match=r"within 1 s: the port accepts connections, but does not answer Kafka"
        ):
            cluster_id(Cluster(place), timeout_s=1.0)


def test_a_silent_broker_among_several_is_skipped(broker: Broker, topic: str) -> None:
    """Whichever broker is silent, the others are asked."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        silent = f"127.0.0.1:{server.getsockname()[1]}"
        places = [f"{silent},{broker.bootstrap_servers}", f"{broker.bootstrap_servers},{silent}"]
        for place in 3 * places:
            assert cluster_id(Cluster(place)) == broker.cluster_id
        for place in places:
            assert is_empty(Cluster(place), topic, 0, first=0, end=0)


def test_a_silent_broker_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """It gets more time in each round: a slow broker is not one that hangs."""
    monkeypatch.setattr(client, "FIRST_TIMEOUT_S", 0.1)
    asked: list[str] = []

    def ask(broker: str, until_s: float) -> str:
        asked.append(broker)
        if broker == "slow" and until_s - time.monotonic() > 0.1:
            return "an answer"
        time.sleep(max(0.0, until_s - time.monotonic()))
        raise KafkaTimeoutError

    answer = client._first_to_answer(["slow", "silent"], time.monotonic() + 120, ask)  # noqa: SLF001
    assert answer == "an answer"
    assert asked[:3] == ["slow", "silent", "slow"]


def test_a_refusing_broker_is_asked_once() -> None:
    """Its answer would always be the same."""
    asked: list[str] = []

    def ask(broker: str, _: float) -> str:
        asked.append(broker)
        raise TopicAuthorizationFailedError

    with pytest.raises(TopicAuthorizationFailedError):
        client._first_to_answer(["one", "other"], time.monotonic() + 120, ask)  # noqa: SLF001
    assert asked == ["one", "other"]


def test_a_broker_that_accepts_no_connection_is_skipped(broker: Broker) -> None:
    """A host that is gone, or whose queue is full, does not use up the others' time."""
    began_s = time.monotonic()
    with contextlib.ExitStack() as stack:
        full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        place = f"127.0.0.1:{full.getsockname()[1]},{broker.bootstrap_servers}"
        assert cluster_id(Cluster(place)) == broker.cluster_id
    assert FIRST_TIMEOUT_S <= time.monotonic() - began_s < TIMEOUT_S


def is_stopped(pid: int) -> bool:
    """Return whether all threads of a process have stopped: a busy machine takes a moment."""
    try:
        stats = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/stat")]
    except (FileNotFoundError, ProcessLookupError):  # one has just ended
        return False
    return all(stat.rpartition(")")[2].split()[0] == "T" for stat in stats)


@pytest.mark.slow
def test_a_frozen_broker_is_reported_in_time(new_broker: Callable[[], Broker]) -> None:
    """A broker that stops answering ends the call within its time."""
    frozen = new_broker()
    os.kill(frozen.pid, signal.SIGSTOP)
    try:
        wait_until(lambda: is_stopped(frozen.pid), 60, "every thread of the broker stops")
        with pytest.raises(PartError, match=r"no Kafka broker answered"):
            end_offsets(frozen.cluster, "t", timeout_s=1.0)
    finally:
        frozen.kill()  # one that was frozen can take long to stop


@pytest.mark.parametrize("place", ["::::", "localhost", "localhost:port", "a:1,b", ""])
def test_an_invalid_broker_list_is_a_usage_error(place: str) -> None:
    """Anything other than host:port is refused before any connection."""
    with pytest.raises(UsageError, match=r"is not a broker list: write host:port"):
        cluster_id(Cluster(place), timeout_s=1.0)


def test_it_works_where_gevent_has_patched_everything(broker: Broker, topic: str) -> None:
    """In a Locust process, calls from a greenlet succeed while other greenlets run."""
    program = (
        "from gevent import monkey; monkey.patch_all()\n"
        "import gevent, sys\n"
        "from headcount.errors import PartError\n"
        "from headcount.kafka.cluster import Cluster\n"
        "from headcount.kafka.topic import end_offsets\n"
        "ticks = []\n"
        "def tick():\n"
        "    while True: gevent.sleep(0.01); ticks.append(1)\n"
        "gevent.spawn(tick)\n"
        "print(gevent.spawn(end_offsets, Cluster(sys.argv[1]), sys.argv[2]).get(timeout=120))\n"
        "try: end_offsets(Cluster('127.0.0.1:9'), 't', timeout_s=1.0)\n"
        "except PartError as error: print(error)\n"
        "print(len(ticks) > 2)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, broker.bootstrap_servers, topic],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "{0: 0, 1: 0, 2: 0, 3: 0}",
        "no Kafka broker answered at 127.0.0.1:9 within 1 s: connection refused",
        "True",
    ]
