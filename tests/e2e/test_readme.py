"""What the README shows besides the run: a service of one's own, and the topic seen by eye."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaProducer

from headcount.kafka.topic import ensure_topic
from headcount.stack.broker import Broker
from headcount.stack.ports import free_port, is_listening
from headcount.stack.process import Process, wait_until
from tests.e2e.command import a_counted_run, headcount

pytestmark = pytest.mark.e2e

EVENTS = (
    b'{"event_type":"default","Host":"127.0.0.1:8000"}',
    b'{"event_type":"purchase_sword","Host":"127.0.0.1:8000"}',
    b'{"event_type":"default","Host":"127.0.0.1:8000"}',
)


@pytest.fixture
def orders(broker: Broker, environ: dict[str, str], tmp_path: Path) -> Iterator[str]:
    """The order service, which shares no code with this project, and its address."""
    ensure_topic(broker.bootstrap_servers, "orders", partitions=2)
    port = free_port()
    command = [sys.executable, "examples/orders/service.py", str(port), broker.bootstrap_servers]
    log = tmp_path / "orders.log"
    with Process("the order service", command, log_path=log, environ=environ) as process:
        wait_until(lambda: is_listening(port), 120, "the order service listens", process)
        yield f"http://127.0.0.1:{port}"


@pytest.mark.slow
def test_a_service_of_ones_own(orders: str, broker: Broker, tmp_path: Path) -> None:
    """A service that only copies the id into its message is accounted for, field by field."""
    options = (
        *("--host", orders, "--bootstrap-servers", broker.bootstrap_servers),
        *("--topic", "orders", "--event-id-field", "request_id"),
        *("--reports-dir", str(tmp_path / "reports")),
    )
    run = headcount(tmp_path / "reports", *a_counted_run(*options, scenario="orders"))
    assert run.code == 0, run.err
    (row, total) = run.table("summary.csv")
    assert row["event_type"] == "order_placed"
    assert int(row["delivered"]) == int(total["attempted"]) > 10


@pytest.fixture
def filled(broker: Broker, topic: str) -> str:
    """A topic with three events."""
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap_servers)
    for event in EVENTS:
        producer.send(topic, event).get(timeout=120)
    producer.close()
    return topic


def test_the_topic_from_beginning_to_end(broker: Broker, filled: str) -> None:
    """The console consumer prints every event, and ends."""
    command = [sys.executable, "-m", "kafka.consumer", "-b", broker.bootstrap_servers]
    options = ["-l", "ERROR", "-C", "auto_offset_reset=earliest", "-C", "consumer_timeout_ms=20000"]
    done = subprocess.run(
        [*command, "-t", filled, *options], capture_output=True, text=True, timeout=240, check=True
    )
    assert sorted(done.stdout.split()) == sorted(event.decode() for event in EVENTS)


@pytest.mark.slow
def test_the_topic_in_a_pyspark_shell(broker: Broker, filled: str) -> None:
    """The shell reads the topic with format("kafka"), and shows a table of event types."""
    script = f"""
from pyspark.sql.functions import col, get_json_object
topic = spark.read.format("kafka").option("kafka.bootstrap.servers", "{broker.bootstrap_servers}")
topic = topic.option("subscribe", "{filled}").load()
event_type = get_json_object(col("value").cast("string"), "$.event_type").alias("event_type")
topic.select(event_type).groupBy("event_type").count().orderBy("event_type").show()
"""
    done = subprocess.run(
        [sys.executable, "-m", "headcount", "shell"],
        input=script,
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    table = [line.replace(" ", "") for line in done.stdout.splitlines() if "|" in line]
    assert table[-3:] == ["|event_type|count|", "|default|2|", "|purchase_sword|1|"]
