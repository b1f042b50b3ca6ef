"""All parts on loopback, each several times if that is possible."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from headcount.cli.platform import Platform
from headcount.kafka.cluster import Cluster
from headcount.kafka.topic import ensure_topic
from headcount.stack.broker import Broker
from headcount.stack.broker_config import BrokerConfig, Membership
from headcount.stack.cache import cache_folder
from headcount.stack.jvm.cds_archive import ClassData
from headcount.stack.ports import free_port
from headcount.stack.process import Process
from headcount.stack.service import DATABASE_VARIABLE, DEFAULT_APP, Server, ServerConfig
from tests.brokers import started_together
from tests.e2e.command import CompletedCommand
from tests.headcount.plugin.locusts import AWAITED
from tests.scale.object_store import BUCKET, object_store
from tests.scale.spark_cluster import HOST, spark_cluster
from tests.service.postgres import postgres

BROKERS, SPARK_WORKERS, GENERATORS = 3, 2, 4
TOPIC, RUN_ID = "events", "run-1"
SCENARIO = "tests/scale/earner_locustfile.py"
LEDGERS, TABLES = f"s3://{BUCKET}/ledgers", f"s3://{BUCKET}/tables"
DEADLINE_S = 900.0


@dataclass(frozen=True, slots=True)
class LoopbackDeployment:
    """The addresses of all parts; `environ` is the environment of the commands on every host."""

    folder: Path
    brokers: tuple[Broker, ...]
    spark_master: str
    database_url: str
    store: Mapping[str, str]
    environ: Mapping[str, str]

    @property
    def bootstrap_servers(self) -> str:
        """The addresses of all brokers."""
        return ",".join(broker.bootstrap_servers for broker in self.brokers)

    @property
    def reports(self) -> Path:
        """The reports folder on the host that runs the commands; the other hosts have none."""
        return self.folder / "reports"

    @property
    def run_folder(self) -> Path:
        """The run's folder in it."""
        return self.reports / RUN_ID

    @contextlib.contextmanager
    def service(self, app: str = DEFAULT_APP, **environ: str) -> Iterator[Server]:
        """Run the game service, or a misbehaving one, for the block."""
        config = ServerConfig(
            bootstrap_servers=self.bootstrap_servers,
            topic=TOPIC,
            log_path=self.folder / f"service-{len(environ)}.log",
            environ={**self.environ, DATABASE_VARIABLE: self.database_url, **environ},
            app=app,
            port=0,
        )
        with Server(config) as server:
            yield server

    @property
    def on_cluster(self) -> tuple[str, ...]:
        """Options for a verdict by the Spark cluster, with its tables in the object store."""
        memory = ("--spark-conf", "spark.executor.memory=768m")
        return ("--spark-master", self.spark_master, "--tables", TABLES, *memory)

    def run(self, server: Server) -> CompletedCommand:
        """Run `headcount run` as the master of generators on other hosts; the cluster follows."""
        port = str(free_port())
        master = ("--master", "--master-bind-host", HOST, "--master-bind-port", port)
        with contextlib.ExitStack() as stack:
            for number in range(GENERATORS):
                stack.enter_context(self._worker(number, port))
            return self.headcount(
                *("run", SCENARIO, "--run-id", RUN_ID, "-u", "20", "-t", "30m", "--seed", "1"),
                *("--host", server.url, "--bootstrap-servers", self.bootstrap_servers),
                *("--database-url", self.database_url, "--ledger", LEDGERS),
                *("--follow", *self.on_cluster),
                *("--", *master, "--expect-workers", str(GENERATORS)),
            )

    def headcount(self, *arguments: str) -> CompletedCommand:
        """Run a command."""
        name, *rest = arguments
        own = ("--reports-dir", str(self.reports), "--spark-heap", "1g")
        done = subprocess.run(
            [sys.executable, "-m", "headcount", name, *own, *rest],
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            env=dict(self.environ),
            check=False,
        )
        (self.folder / f"{RUN_ID}-{name}.log").write_text(done.stdout + done.stderr)
        return CompletedCommand(done.returncode, done.stdout, done.stderr, self.run_folder)

    def _worker(self, number: int, port: str) -> Process:
        command = [sys.executable, "-m", "locust", "-f", SCENARIO, "--worker"]
        command += ["--master-host", HOST, "--master-port", port]
        log = self.folder / f"{RUN_ID}-worker-{number}.log"
        return Process(f"worker {number}", command, log_path=log, environ=self.environ)


@contextlib.contextmanager
def cluster(folder: Path, ready: Platform) -> Iterator[LoopbackDeployment]:
    """Run all parts for the block."""
    with contextlib.ExitStack() as stack:
        database_url = stack.enter_context(postgres())
        store = stack.enter_context(object_store(folder, ready.environ))
        spark = spark_cluster(
            ready.java, folder / "spark", {**ready.environ, **store}, SPARK_WORKERS
        )
        with ThreadPoolExecutor(2) as pool:
            spark_start = pool.submit(stack.enter_context, spark)
            brokers = _brokers(stack, folder, ready)
            spark_master = spark_start.result()
        awaited = str(folder / "reports" / RUN_ID / "follow" / "pieces")
        yield LoopbackDeployment(
            folder=folder,
            brokers=brokers,
            spark_master=spark_master,
            database_url=database_url,
            store=store,
            environ={**os.environ, **store, "SPARK_LOCAL_IP": HOST, AWAITED: awaited},
        )


def _brokers(stack: contextlib.ExitStack, folder: Path, ready: Platform) -> tuple[Broker, ...]:
    """Start brokers that are also controllers, and create a topic with replicas on all of them.

    A broker that hangs counts as in sync for half a minute, beyond its session.
    """
    jars, environ = ready.broker_jars, ready.environ
    class_data = ClassData.of(cache_folder(environ), ready.java.home, jars)
    configs = [
        BrokerConfig(
            *(ready.java, jars, folder / f"broker-{member.index}", environ, 0, member),
            class_data=class_data,
            settings={"broker.session.timeout.ms": "120000"},
        )
        for member in Membership.of_cluster(BROKERS)
    ]
    brokers = started_together(configs, stack)
    servers = brokers[0].bootstrap_servers
    ensure_topic(Cluster(servers), TOPIC, partitions=6, replication=BROKERS, timeout_s=120)
    return brokers
