"""The stage: the real parts under load, for a scenario to harm."""

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import psutil
from kafka import KafkaAdminClient

from headcount.cli.platform import Platform
from headcount.kafka.cluster import Cluster
from headcount.kafka.topic import ensure_topic
from headcount.run.folder import RunFolder
from headcount.run.marks import Mark, append_mark
from headcount.stack.broker import Broker
from headcount.stack.broker_config import BrokerConfig, Membership
from headcount.stack.process import Process, wait_until
from headcount.stack.service import DATABASE_VARIABLE, DEFAULT_APP, Server, ServerConfig
from tests.brokers import started_together
from tests.service.postgres import postgres

RUN_ID = "run-1"
TOPIC = "events"
FIRST_ROWS_S = 240.0
RUN_S = 900.0


@dataclass(frozen=True, slots=True)
class Setup:
    """The parts that a scenario needs.

    `nodes` is the number of brokers, 0 if the run starts its own parts; `misdeed` names one of
    `tests.harmful.misdeeds`; `environ` is the service's. The service keeps its state in PostgreSQL
    if `has_postgresql`, otherwise in a file.
    """

    nodes: int = 1
    partitions: int = 4
    misdeed: str = ""
    environ: Mapping[str, str] | None = None
    options: tuple[str, ...] = ()
    has_postgresql: bool = False


class FaultStage:
    """The parts of one scenario, during a run."""

    def __init__(self, setup: Setup, ready: Platform, path: Path) -> None:
        self.folder = RunFolder(path / "reports" / RUN_ID)
        self.harm_file = path / "harm"
        self._setup, self._ready, self._path = setup, ready, path
        self.brokers: list[Broker] = []
        self.server: Server | None = None

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as undo:
            is_elsewhere = self._setup.has_postgresql
            database_url = undo.enter_context(postgres()) if is_elsewhere else None
            undo.callback(self._stop_parts)
            if self._setup.nodes:
                self._start_brokers(undo)
                self._start_service(database_url)
            self.run = self._start_run()
            undo.callback(self.run.stop)
            begun = "the first requests are in the ledger"
            wait_until(lambda: self.segments() > 0, FIRST_ROWS_S, begun, self.run)
            self._stack = undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def mark(self, text: str) -> None:
        """Add a mark to the run that says what is done to the parts."""
        append_mark(self.folder.marks_path, Mark(time.time_ns(), text))

    def workers(self) -> list[psutil.Process]:
        """Gunicorn's workers, the oldest first."""
        assert self.server is not None
        return _children(self.server.pid)

    def generators(self) -> list[psutil.Process]:
        """Locust's processes: the master, or the only process, followed by its workers."""
        locusts = [
            child for child in _children(self.run.pid) if "locust" in " ".join(child.cmdline())
        ]
        return [process for first in locusts[:1] for process in (first, *_children(first.pid))]

    def segments(self) -> int:
        """The number of ledger segments that the first generator has written."""
        return len(list((self.folder.path / "ledger" / "0").glob("segment-*.parquet")))

    def restart_broker(self, broker: Broker) -> None:
        """Restart a broker with the same folder and port."""
        index = self.brokers.index(broker)
        self.brokers[index] = Broker(replace(broker.config, port=broker.port))

    def leader(self) -> Broker:
        """The broker that leads partition 0."""
        client = KafkaAdminClient(bootstrap_servers=self.bootstrap_servers)
        try:
            (described,) = client.describe_topics([TOPIC])
        finally:
            client.close()
        first = next(
            partition for partition in described["partitions"] if partition["partition_index"] == 0
        )
        node_id: int = first["leader_id"]
        return self.brokers[node_id - 1]

    @property
    def bootstrap_servers(self) -> str:
        """The addresses of all brokers."""
        return ",".join(broker.bootstrap_servers for broker in self.brokers)

    def harm(self) -> None:
        """Make a misbehaving service begin to misbehave."""
        self.harm_file.touch()

    def cease(self) -> None:
        """Make it behave correctly again."""
        self.harm_file.unlink()

    def end(self) -> int:
        """Wait for the end of the run, and return its exit code."""
        wait_until(lambda: self.run.returncode is not None, RUN_S, "the run is over")
        return self.run.stop()

    def verify(self) -> int:
        """Judge the run with `headcount verify`, and return the exit code."""
        with self._headcount("verify", str(self.folder.path), "--spark-heap", "1g") as verify:
            return verify.wait(RUN_S)

    @property
    def verdict(self) -> dict[str, Any]:
        """The run's `verdict.json`."""
        document: dict[str, Any] = json.loads((self.folder.path / "verdict.json").read_text())
        return document

    def _start_brokers(self, undo: contextlib.ExitStack) -> None:
        count = self._setup.nodes
        members = Membership.of_cluster(count) if count > 1 else (None,)
        jars, java, environ = self._ready.broker_jars, self._ready.java, self._ready.environ
        configs = [
            BrokerConfig(java, jars, self._path / f"broker-{n}", environ, 0, member)
            for n, member in enumerate(members)
        ]
        self.brokers = list(started_together(configs, undo))
        ensure_topic(
            Cluster(self.bootstrap_servers), TOPIC, self._setup.partitions, count, timeout_s=120
        )

    def _start_service(self, database_url: str | None) -> None:
        self.server = Server(
            ServerConfig(
                bootstrap_servers=self.bootstrap_servers,
                topic=TOPIC,
                log_path=self._path / "service.log",
                environ={
                    **self._ready.environ,
                    **({DATABASE_VARIABLE: database_url} if database_url else {}),
                    "MISDEED": self._setup.misdeed,
                    "HARM_FILE": str(self.harm_file),
                    **(self._setup.environ or {}),
                },
                app="tests.harmful.misdeeds:app" if self._setup.misdeed else DEFAULT_APP,
            )
        )

    def _start_run(self) -> Process:
        parts: tuple[str, ...] = ()
        if self.server is not None:
            parts = (
                *("--host", self.server.url, "--bootstrap-servers", self.bootstrap_servers),
                *("--database-url", self.server.config.database_url),
            )
        return self._headcount(
            *("run", "-u", "60", "-t", "20s", "--run-id", RUN_ID, "--spark-heap", "1g"),
            *("--reports-dir", str(self.folder.path.parent)),
            *parts,
            *self._setup.options,
        )

    def _headcount(self, *arguments: str) -> Process:
        command = [sys.executable, "-m", "headcount", *arguments]
        log = self._path / f"{arguments[0]}.log"
        return Process("the run", command, log_path=log, environ=self._ready.environ)

    def _stop_parts(self) -> None:
        with contextlib.ExitStack() as stack:
            for broker in self.brokers:
                stack.callback(broker.kill)
            if self.server is not None:
                stack.callback(self.server.stop)


@contextlib.contextmanager
def stopped(*processes: int) -> Iterator[None]:
    """Stop processes for the block, as a swapping or suspended host does."""
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)


def _children(pid: int) -> list[psutil.Process]:
    return sorted(psutil.Process(pid).children(), key=lambda process: process.create_time())
