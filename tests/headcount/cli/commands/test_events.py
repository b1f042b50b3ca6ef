"""`headcount events`: the filters, the table and the files, on a topic of a real broker."""

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from kafka import KafkaProducer

from headcount.kafka import topic as kafka_topic
from headcount.kafka.cluster import Cluster
from headcount.kafka.cluster_metadata import cluster_id
from headcount.run.folder import RunFolder
from headcount.run.manifest import End
from headcount.stack.broker import Broker
from tests.e2e.command import headcount
from tests.manifests import MANIFEST

pytestmark = pytest.mark.e2e


@pytest.fixture
def reports(broker: Broker, topic: str, tmp_path: Path) -> Path:
    """The reports folder of a run whose topic has purchases of iron and steel swords."""
    servers = broker.bootstrap_servers
    producer = KafkaProducer(bootstrap_servers=servers)
    for metal in ("iron", "steel", "iron"):
        event = {"event_type": "purchase", "player_id": "ada", "item": "sword", "metal": metal}
        producer.send(topic, json.dumps(event).encode(), partition=0)
    producer.close()
    folder = RunFolder(tmp_path / "reports" / "run-1")
    folder.create()
    folder.write_manifest(
        replace(
            MANIFEST,
            bootstrap_servers=servers,
            cluster_id=cluster_id(Cluster(servers)),
            topic=topic,
            topic_id=None,
            start_offsets=dict.fromkeys(range(4), 0),
        )
    )
    ends = kafka_topic.end_offsets(Cluster(servers), topic)
    folder.write_end(End(ends, dict.fromkeys(range(4), 0), "", sealed=True))
    return tmp_path / "reports"


@pytest.mark.slow
def test_events(reports: Path) -> None:
    """Matching events, and only those, are printed and written."""
    output = reports / "iron.csv"
    asked = ("--item", "sword", "--metal", "iron", "--limit", "1", "--output", str(output))
    run = headcount(reports, "events", "run-1", "--reports-dir", str(reports), *asked)
    assert run.code == 0, run.err
    lines = run.out.splitlines()
    assert lines[0].split() == ["event", "type", "player", "id", "item", "metal"]
    assert lines[1].split() == ["purchase", "ada", "sword", "iron"]
    assert lines[2:] == ["2 rows, 1 shown", f"Written: {output}"]
    written = pd.read_csv(output)
    assert list(written.offset) == [0, 2]
    assert set(written.metal) == {"iron"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--metal", "wood"), "'wood' is not one of"),
        (("--output", "events.txt"), "--output must end in .csv or .parquet"),
        (("--output", "/nowhere/events.csv"), "--output: there is no folder /nowhere"),
    ],
)
def test_bad_options(reports: Path, options: tuple[str, ...], message: str) -> None:
    """Each is a usage error that names the option, before anything starts."""
    run = headcount(reports, "events", "run-1", "--reports-dir", str(reports), *options)
    assert run.code == 2
    assert message in run.err
