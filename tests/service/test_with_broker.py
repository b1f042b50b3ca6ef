"""The service and a real broker: what each response promises, in normal operation and failures."""

import json
import os
import signal
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.consumer.fetcher import ConsumerRecord

from headcount.kafka.topic import ensure_topic
from headcount.stack.broker import Broker
from headcount.stack.ports import free_port
from tests.conftest import NewBroker
from tests.service.server import REFUSED, BackgroundLoad, GunicornServer, serving
from tests.service.waiting import eventually

pytestmark = pytest.mark.e2e

ACK_TIMEOUT_S = 3.0


def records(bootstrap_servers: str, topic: str) -> list[ConsumerRecord]:
    """Return all records of the topic."""
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap_servers, auto_offset_reset="earliest", enable_auto_commit=False
    )
    try:
        partitions = [
            TopicPartition(topic, partition) for partition in consumer.partitions_for_topic(topic)
        ]
        consumer.assign(partitions)
        consumer.seek_to_beginning()
        wanted = sum(consumer.end_offsets(partitions).values())
        consumed: list[ConsumerRecord] = []
        deadline = time.monotonic() + 30
        while len(consumed) < wanted:
            assert time.monotonic() < deadline, f"read {len(consumed)} of {wanted} records"
            for batch in consumer.poll(timeout_ms=500).values():
                consumed.extend(batch)
        return consumed
    finally:
        consumer.close()


def seen(bootstrap_servers: str, topic: str) -> Counter[str]:
    """Count how often each event id is in the topic."""
    events = (json.loads(record.value) for record in records(bootstrap_servers, topic))
    return Counter(event["X-Event-Id"] for event in events)


@pytest.fixture
def server(broker: Broker, topic: str, tmp_path: Path) -> Iterator[GunicornServer]:
    """The service on the session's broker, ready, with the test's own topic."""
    with serving(
        tmp_path / "log", BOOTSTRAP_SERVERS=broker.bootstrap_servers, TOPIC=topic
    ) as running:
        eventually(lambda: running.answers("/readyz", 200), "/readyz")
        yield running


def test_an_acknowledged_request_is_one_record(
    server: GunicornServer, broker: Broker, topic: str
) -> None:
    """The record's value is the event, and its key is the player."""
    path = "/purchase_a_sword?metal=iron&quantity=3&player_id=p-1"
    answer = server.get(path, X_Event_Id="a", Cookie="t0ken")
    assert answer.status == 200
    assert server.get("/", X_Event_Id="b", Event_Type="join_guild").status == 200
    by_id = {json.loads(record.value)["X-Event-Id"]: record for record in records(
        broker.bootstrap_servers, topic
    )}  # fmt: skip
    assert by_id.keys() == {"a", "b"}
    sword = json.loads(by_id["a"].value)
    assert (by_id["a"].key, by_id["b"].key) == (b"p-1", None)
    assert (sword["event_type"], sword["metal"], sword["quantity"]) == ("purchase_sword", "iron", 3)
    assert b"t0ken" not in by_id["a"].value
    place = (answer.headers["X-Event-Partition"], answer.headers["X-Event-Offset"])
    assert place == (str(by_id["a"].partition), str(by_id["a"].offset))
    assert sword["receipt"] != json.loads(by_id["b"].value)["receipt"]
    assert json.loads(by_id["b"].value)["event_type"] == "default"


def test_probes_and_refusals_publish_nothing(
    server: GunicornServer, broker: Broker, topic: str
) -> None:
    """Health, readiness and every 4xx leave the topic as it was."""
    answered = [
        server.get(path).status
        for path in ("/healthz", "/readyz", "/x", "/?x=1", "/join_guild?guild=%20")
    ]
    assert answered == [200, 200, 404, 400, 400]
    assert records(broker.bootstrap_servers, topic) == []


def test_nothing_is_lost_at_shutdown(server: GunicornServer, broker: Broker, topic: str) -> None:
    """On SIGTERM under load, each event is acknowledged and in the topic once, or refused."""
    with BackgroundLoad(server, clients=24) as load:
        eventually(lambda: len(load.ids(200)) > 200, "load")
        assert server.terminate() == 0
        eventually(lambda: load.ids(REFUSED), "refusals")
    counts = seen(broker.bootstrap_servers, topic)
    assert load.ids(200) <= counts.keys()
    assert load.ids(None) == set()
    assert counts.keys() == load.ids(200)
    assert set(counts.values()) == {1}


@pytest.fixture
def narrow_topic(broker: Broker) -> str:
    """A topic that accepts events of up to 1,000 bytes."""
    name = f"narrow-{uuid.uuid4().hex[:12]}"
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    try:
        admin.create_topics([NewTopic(name, 1, 1, topic_configs={"max.message.bytes": "1000"})])
    finally:
        admin.close()
    return name


@pytest.mark.slow
@pytest.mark.parametrize("acks", ["0", "1"])
def test_weaker_acknowledgements_can_be_configured(
    broker: Broker, topic: str, tmp_path: Path, acks: str
) -> None:
    """For an experiment, the service may acknowledge more than the broker guarantees."""
    with serving(
        tmp_path / "log",
        BOOTSTRAP_SERVERS=broker.bootstrap_servers,
        TOPIC=topic,
        ACKS=acks,
        IDEMPOTENCE="off",
    ) as server:
        eventually(lambda: server.answers("/readyz", 200), "/readyz")
        assert server.get("/", X_Event_Id="a").status == 200
        assert server.terminate() == 0
    # Without acknowledgements the service ends before the broker has written it.
    eventually(lambda: seen(broker.bootstrap_servers, topic) == {"a": 1}, "it is in the topic")


def test_an_event_that_is_too_large(broker: Broker, narrow_topic: str, tmp_path: Path) -> None:
    """If the service knows the limit, it is a 413 and not published; the next event is."""
    with serving(
        tmp_path / "log",
        BOOTSTRAP_SERVERS=broker.bootstrap_servers,
        TOPIC=narrow_topic,
        MAX_EVENT_BYTES=1000,
    ) as server:
        eventually(lambda: server.answers("/readyz", 200), "/readyz")
        for number in range(3):
            assert server.get("/", X_Event_Id=f"large-{number}", X_Pad="x" * 2000).status == 413
            assert server.get("/", X_Event_Id=f"small-{number}").status == 200
    counts = seen(broker.bootstrap_servers, narrow_topic)
    assert counts == {f"small-{number}": 1 for number in range(3)}


def test_an_event_that_the_broker_refuses(
    broker: Broker, narrow_topic: str, tmp_path: Path
) -> None:
    """It ends kafka-python's producer, but not the service."""
    with serving(
        tmp_path / "log",
        BOOTSTRAP_SERVERS=broker.bootstrap_servers,
        TOPIC=narrow_topic,
        WORKERS=1,
    ) as server:
        eventually(lambda: server.answers("/readyz", 200), "/readyz")
        assert server.get("/", X_Event_Id="small-0").status == 200
        assert server.get("/", X_Event_Id="large", X_Pad="x" * 2000).status == 504
        eventually(lambda: server.answers("/readyz", 200), "/readyz again")
        assert server.get("/", X_Event_Id="small-1").status == 200
    assert seen(broker.bootstrap_servers, narrow_topic) == {"small-0": 1, "small-1": 1}


@pytest.mark.slow
def test_a_broker_that_stands_still(new_broker: NewBroker, tmp_path: Path) -> None:
    """First outcomes are unknown, then errors promise that nothing was published, then it recovers.

    The kernel still accepts connections for a suspended process, so only responses are missing.
    """
    broker = new_broker()
    ensure_topic(broker.cluster, "events", partitions=4, timeout_s=120)
    with serving(
        tmp_path / "log",
        BOOTSTRAP_SERVERS=broker.bootstrap_servers,
        ACK_TIMEOUT_S=ACK_TIMEOUT_S,
        CONNECT_TIMEOUT_S=1,
        WORKERS=1,  # each worker learns of an outage by itself
    ) as server:
        eventually(lambda: server.answers("/readyz", 200), "/readyz")
        with BackgroundLoad(server, clients=16) as load:
            eventually(lambda: len(load.ids(200)) > 100, "load")
            refused = len(load.ids(503))
            os.kill(broker.pid, signal.SIGSTOP)
            try:
                eventually(lambda: len(load.ids(503)) > refused + 100, "refusals")
                assert_refused_at_once(server)
                assert server.get("/readyz").status == 503
                assert server.get("/healthz").status == 200
            finally:
                os.kill(broker.pid, signal.SIGCONT)
            before = len(load.ids(200))
            eventually(lambda: len(load.ids(200)) > before + 100, "acknowledgements again")
        eventually(lambda: server.answers("/readyz", 200), "/readyz")
    assert load.ids(504)
    assert_promises_kept(load, seen(broker.bootstrap_servers, "events"))
    broker.stop()


@pytest.mark.slow
def test_a_broker_that_comes_late_and_dies(new_broker: NewBroker, tmp_path: Path) -> None:
    """The service starts without its broker, survives its end, and continues when it returns."""
    port = free_port()
    with serving(
        tmp_path / "log",
        BOOTSTRAP_SERVERS=f"127.0.0.1:{port}",
        ACK_TIMEOUT_S=ACK_TIMEOUT_S,
        CONNECT_TIMEOUT_S=1,
        WORKERS=1,  # each worker learns of an outage by itself
    ) as server:
        assert_refused_at_once(server)
        assert server.get("/readyz").status == 503
        broker = new_broker(port=port)
        assert broker.port == port
        assert_refused_at_once(server)  # a broker without the topic will not do
        ensure_topic(broker.cluster, "events", partitions=4, timeout_s=120)
        eventually(lambda: server.answers("/readyz", 200), "/readyz")
        with BackgroundLoad(server, clients=16) as load:
            eventually(lambda: len(load.ids(200)) > 100, "load")
            broker.kill()
            eventually(lambda: len(load.ids(503)) > 100, "refusals")
            broker = new_broker(broker.data_dir, port=port)
            before = len(load.ids(200))
            eventually(lambda: len(load.ids(200)) > before + 100, "acknowledgements again")
    assert_promises_kept(load, seen(broker.bootstrap_servers, "events"))
    broker.stop()


def assert_refused_at_once(server: GunicornServer) -> None:
    """Expect a 503 with `Retry-After`, sooner than an acknowledgement could time out."""

    def is_soon() -> bool:
        began = time.monotonic()
        answer = server.get("/", X_Event_Id="refused")
        took_s = time.monotonic() - began
        assert answer.status == 503
        assert answer.headers["Retry-After"] == "1"
        assert answer.json["detail"].endswith("Nothing was published.")
        return took_s < ACK_TIMEOUT_S

    eventually(is_soon, "it is refused at once")


def assert_promises_kept(load: BackgroundLoad, counts: Counter[str]) -> None:
    """Acknowledged events are in the topic, refused ones are not, and none is duplicated."""
    assert load.ids(200) <= counts.keys()
    assert not (load.ids(503) | {"refused"}) & counts.keys()
    assert counts.keys() <= load.ids(200) | load.ids(504) | load.ids(None)
    assert set(counts.values()) == {1}
