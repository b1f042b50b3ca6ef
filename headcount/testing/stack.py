"""The stack of a test session: one Kafka broker, and topics on it."""

import contextlib
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from headcount.cli.local_stack import start_broker
from headcount.cli.platform import platform
from headcount.console import Console
from headcount.kafka.cluster import Cluster
from headcount.kafka.topic import ensure_topic
from headcount.testing.kafka_warnings import without_kafka_warnings


@dataclass(frozen=True, slots=True)
class HeadcountStack:
    """A Kafka broker on this machine, for the services and runs of a test session."""

    cluster: Cluster

    @property
    def bootstrap_servers(self) -> str:
        """The broker's address, such as `127.0.0.1:9092`."""
        return self.cluster.bootstrap_servers

    def new_topic(self, partitions: int = 4) -> str:
        """Create a topic with a unique name, and return the name."""
        name = f"test-{uuid.uuid4().hex[:12]}"
        with without_kafka_warnings():
            ensure_topic(self.cluster, name, partitions, 1)
        return name


@contextlib.contextmanager
def running_stack(folder: Path) -> Iterator[HeadcountStack]:
    """Run a broker for the block, with its data in a folder. PartError if it does not start."""
    ready = platform(dict(os.environ), Console(quiet=True))
    with start_broker(ready, folder / "broker") as broker:
        yield HeadcountStack(broker.cluster)
