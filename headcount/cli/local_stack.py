"""The local stack: starts broker, topic and service in order, and stops them in reverse."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from headcount.cli.options.target_options import TargetOptions
from headcount.cli.platform import Platform
from headcount.console import Console
from headcount.errors import UsageError
from headcount.kafka.cluster import Cluster
from headcount.kafka.topic import describe, ensure_topic
from headcount.kafka_settings.config_file import ASSIGNMENTS_VARIABLE, FILE_VARIABLE
from headcount.kafka_settings.settings import PLAINTEXT, KafkaSettings
from headcount.run.address import without_secrets
from headcount.stack.broker import Broker
from headcount.stack.broker_config import BrokerConfig
from headcount.stack.cache import cache_folder
from headcount.stack.jvm.cds_archive import ClassData
from headcount.stack.service import DATABASE_VARIABLE, Server, ServerConfig

BROKER_DATA = "broker"
DATABASE = "game.sqlite3"


@dataclass(frozen=True, slots=True)
class Target:
    """The service under load and the brokers that hold its events.

    `broker` and `server` are None if they are the user's own. `host` may hold a password.
    """

    host: str
    cluster: Cluster
    broker: Broker | None
    server: Server | None

    @property
    def address(self) -> str:
        """The service's address without secrets, for messages."""
        return without_secrets(self.host)

    @property
    def locust_environ(self) -> dict[str, str]:
        """Variables that pass the host to Locust, unseen in process lists."""
        return {"LOCUST_HOST": self.host}

    @property
    def database_url(self) -> str | None:
        """The database of the service that was started; the URL may hold a password."""
        return None if self.server is None else self.server.config.database_url

    @property
    def database_file(self) -> Path | None:
        """The file of the service's state; None if its database is the user's."""
        if self.server is None or DATABASE_VARIABLE in self.server.config.environ:
            return None
        return self.server.config.database

    def poll_or_raise(self) -> None:
        """Raise PartError if a part that was started has died."""
        if self.broker is not None:
            self.broker.poll_or_raise()
        if self.server is not None:
            self.server.poll_or_raise()


def start_broker(ready: Platform, data_dir: Path) -> Broker:
    """Start the embedded broker on a folder, new or used before."""
    with ready.console.step("Starting the broker"):
        class_data = ClassData.of(cache_folder(ready.environ), ready.java.home, ready.broker_jars)
        config = BrokerConfig(
            ready.java, ready.broker_jars, data_dir, ready.environ, class_data=class_data
        )
        return Broker(config)


def start(
    stack: contextlib.ExitStack,
    options: TargetOptions,
    kafka: KafkaSettings,
    ready: Platform,
    folder: Path,
) -> Target:
    """Start the parts that the user did not name; `stack` stops them.

    Raises:
        UsageError: The topic is missing on the user's brokers, or the host is not a URL.
        PartError: A part does not start.
    """
    broker, server = None, None
    servers, host = options.bootstrap_servers or kafka.bootstrap_servers, options.host
    cluster = Cluster(servers, kafka)
    if not servers and kafka != PLAINTEXT:
        raise UsageError(
            "the Kafka settings name no brokers: add bootstrap.servers to them, or give "
            "--bootstrap-servers"
        )
    if not servers:
        broker = start_broker(ready, folder / BROKER_DATA)
        stack.callback(_stop, "broker", broker.stop, ready.console)
        cluster = broker.cluster
    if broker is not None or options.create_topic:
        ensure_topic(
            cluster,
            options.topic,
            options.partitions,
            options.replication,
        )
    elif describe(cluster, options.topic) is None:
        raise UsageError(
            f"there is no topic {options.topic!r} at {cluster}: name another with "
            "--topic, or create it with --create-topic"
        )
    if host is None:
        server = _start_service(options, cluster, folder, ready)
        stack.callback(_stop, "service", server.stop, ready.console)
        host = server.url
    return Target(check_host(host), cluster, broker, server)


def check_host(host: str) -> str:
    """Return the URL of a service without its trailing slash. UsageError if it is not one."""
    parts = urlsplit(host)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError(f"--host must be http://… or https://…, got {without_secrets(host)!r}")
    if "@" in parts.netloc and not (parts.username and parts.password):
        raise UsageError("--host has a user without a password: write https://USER:PASSWORD@…")
    return host.rstrip("/")


def _start_service(
    options: TargetOptions, cluster: Cluster, folder: Path, ready: Platform
) -> Server:
    with ready.console.step("Starting the service"):
        return Server(
            ServerConfig(
                bootstrap_servers=cluster.bootstrap_servers,
                topic=options.topic,
                log_path=folder / "logs" / "service.log",
                environ={**ready.environ, **options.service_environ, **_kafka_environ(ready)},
                app=options.app,
                database=folder / DATABASE,
            )
        )


def _kafka_environ(ready: Platform) -> dict[str, str]:
    """Name the user's Kafka settings as the game service expects them."""
    names = {FILE_VARIABLE: "SERVICE_KAFKA_CONFIG", ASSIGNMENTS_VARIABLE: "SERVICE_KAFKA_SETTINGS"}
    return {names[name]: value for name, value in ready.environ.items() if name in names}


def _stop(name: str, stop: Callable[[], object], console: Console) -> None:
    with console.step(f"Stopping the {name}"):
        stop()
