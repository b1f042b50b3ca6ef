"""Brokers for tests: those of a cluster, and one for a whole test run."""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

import psutil

from headcount.errors import PartError
from headcount.stack.broker import Broker
from headcount.stack.broker_config import BrokerConfig


def started_together(configs: Sequence[BrokerConfig], stack: ExitStack) -> tuple[Broker, ...]:
    """Start a broker for each config; the stack kills every started one, even if others fail."""

    def start(config: BrokerConfig) -> Broker:
        broker = Broker(config)
        stack.callback(broker.kill)
        return broker

    with ThreadPoolExecutor(len(configs)) as pool:
        return tuple(pool.map(start, configs))


@contextmanager
def described(config: BrokerConfig) -> Iterator[str]:
    """Run a broker for the block; yield its description for `SharedBroker.of`."""
    with Broker(config) as broker:
        yield json.dumps([broker.port, broker.pid, broker.cluster_id, str(broker.data_dir)])


class SharedBroker(Broker):
    """A broker that a process of this test run has started; its users cannot stop it."""

    def __init__(self, port: int, pid: int, cluster_id: str, data_dir: Path) -> None:
        self.port, self.cluster_id = port, cluster_id
        self._pid, self._data_dir = pid, data_dir

    @classmethod
    def of(cls, description: str) -> Self:
        """Return the broker with a description from `described`."""
        port, pid, cluster_id, data_dir = json.loads(description)
        return cls(port, pid, cluster_id, Path(data_dir))

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._pid

    @property
    def data_dir(self) -> Path:
        """Its data folder."""
        return self._data_dir

    def poll_or_raise(self) -> None:
        """Raise PartError if it has exited."""
        if not psutil.pid_exists(self._pid):
            raise PartError("the shared broker has exited")

    def stop(self) -> None:
        """Refuse, as other tests use it."""
        raise AssertionError("a test must not stop the shared broker")

    kill = stop
