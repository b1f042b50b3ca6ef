"""The commands and scripts in the documentation, except for runs, are extracted and run."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaProducer

from headcount.kafka.topic import ensure_topic
from headcount.stack.broker import Broker
from headcount.stack.jvm.compilation_flags import QUICK_START
from headcount.stack.jvm.ivy import Fetcher
from headcount.stack.jvm.jars import connector_jars
from headcount.stack.ports import free_port, is_listening
from headcount.stack.process import Process, wait_until
from tests.e2e.command import a_counted_run, headcount

pytestmark = pytest.mark.e2e

QUICKLY = {"JDK_JAVA_OPTIONS": " ".join(QUICK_START)}
"""For a JVM that only works for a moment."""

DOCS = Path(__file__).parents[2] / "docs"
EVENTS = (
    b'{"event_type":"default","Host":"127.0.0.1:8000"}',
    b'{"event_type":"purchase_sword","Host":"127.0.0.1:8000"}',
    b'{"event_type":"default","Host":"127.0.0.1:8000"}',
)


def block(page: str, heading: str) -> str:
    """Return the first code block under a heading of a page."""
    section = (DOCS / page).read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    (first, *_) = re.findall(r"^```\w*\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
    return str(first)


def adapted(broker: Broker, topic: str, text: str) -> str:
    """Replace the documentation's broker and topic with the test's own."""
    assert "127.0.0.1:9092" in text
    assert "events" in text
    addressed = text.replace("127.0.0.1:9092", broker.bootstrap_servers)
    return re.sub(r'(-t |"subscribe", ")events\b', rf"\g<1>{topic}", addressed)


@pytest.fixture
def orders(broker: Broker, environ: dict[str, str], tmp_path: Path) -> Iterator[str]:
    """The order service, which shares no code with this project, and its address."""
    ensure_topic(broker.cluster, "orders", partitions=2)
    port = free_port()
    command = [sys.executable, "examples/orders/service.py", str(port), broker.bootstrap_servers]
    log = tmp_path / "orders.log"
    with Process("the order service", command, log_path=log, environ=environ) as process:
        wait_until(lambda: is_listening(port), 120, "the order service listens", process)
        yield f"http://127.0.0.1:{port}"


@pytest.mark.slow
def test_an_own_service(orders: str, broker: Broker, tmp_path: Path) -> None:
    """Headcount accounts for a service that only copies the id into its messages."""
    shown = shlex.split(block("own-service.md", "Run it").replace("\\\n", ""), comments=True)
    command = " ".join(shown[shown.index("run") :])
    assert "--topic orders --id-at field:request_id" in command
    options = (
        *("--host", orders, "--bootstrap-servers", broker.bootstrap_servers),
        *("--topic", "orders", "--id-at", "field:request_id"),
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


@pytest.mark.slow
def test_the_topic_from_beginning_to_end(broker: Broker, filled: str) -> None:
    """The console consumer prints every event, and exits."""
    shown = block("course.md", "Read the topic").partition("\n{")[0].replace("\\\n", "")
    prompt, program, *options = shlex.split(adapted(broker, filled, shown))
    assert (prompt, program) == ("$", ".venv/bin/python")
    timeout = [option.replace("_ms=3000", "_ms=20000") for option in options]
    done = subprocess.run(
        [sys.executable, *timeout], capture_output=True, text=True, timeout=240, check=True
    )
    assert sorted(done.stdout.split()) == sorted(event.decode() for event in EVENTS)


@pytest.mark.heavy
def test_the_topic_in_a_pyspark_shell(broker: Broker, filled: str) -> None:
    """The shell reads the topic with `format("kafka")`, and shows a table of event types."""
    shown = block("course.md", "Filter in a PySpark shell")
    script = adapted(broker, filled, "".join(re.findall(r"^>>> (.*\n)", shown, re.MULTILINE)))
    done = subprocess.run(
        [sys.executable, "-m", "headcount", "shell"],
        input=script,
        env={**os.environ, **QUICKLY},
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    assert rows(done.stdout)[-3:] == ["|event_type|count|", "|default|2|", "|purchase_sword|1|"]


@pytest.mark.heavy
def test_a_script_with_spark_submit(
    broker: Broker, filled: str, fetcher: Fetcher, tmp_path: Path
) -> None:
    """A user's script reads and filters the topic, and writes the result."""
    connector_jars(fetcher)
    page = (DOCS / "course.md").read_text()
    script = adapted(broker, filled, block("course.md", "Your own script with spark-submit"))
    (tmp_path / "swords.py").write_text(script)
    (command,) = re.findall(r"^\$ (spark-submit .*)$", page, re.MULTILINE)
    cache, binaries = shlex.quote(str(fetcher.cache)), Path(sys.executable).parent
    done = subprocess.run(
        ["/bin/bash", "-c", command.replace("~/.cache/headcount", cache)],
        cwd=tmp_path,
        env={
            **os.environ,
            "PATH": f"{binaries}:{os.environ['PATH']}",
            "JAVA_HOME": str(fetcher.java.home),
            "SPARK_LOCAL_IP": "127.0.0.1",
            **QUICKLY,
        },
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, (tmp_path / "spark.log").read_text()
    assert rows(done.stdout) == ["|metal|count|", "|NULL|1|"]
    assert (tmp_path / "swords" / "_SUCCESS").exists()


def rows(shown: str) -> list[str]:
    """Return the table rows in Spark's output, without spaces."""
    return [line.replace(" ", "") for line in shown.splitlines() if "|" in line]
