"""What a command starts for the user: broker, topic and service, in order, and ended in reverse."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from headcount.cli.platform import Platform
from headcount.console import Console
from headcount.errors import UsageError
from headcount.kafka.topic import describe, ensure_topic
from headcount.run.address import without_secrets
from headcount.stack.broker import Broker
from headcount.stack.broker_config import BrokerConfig
from headcount.stack.cache import cache_folder
from headcount.stack.jvm.cds_archive import ClassData
from headcount.stack.service import DATABASE_VARIABLE, DEFAULT_APP, Server, ServerConfig

BROKER_DATA = "broker"
DATABASE = "game.sqlite3"


@dataclass(frozen=True, slots=True)
class Target:
    """Where the load goes, and where its events end up; the parts are None where the user's.

    `host` may hold a password.
    """

    host: str
    bootstrap_servers: str
    broker: Broker | None
    server: Server | None

    @property
    def address(self) -> str:
        """Where the load goes, as it may be shown."""
        return without_secrets(self.host)

    @property
    def locust_environ(self) -> dict[str, str]:
        """Tell Locust where the load goes by what no list of processes shows."""
        return {"LOCUST_HOST": self.host}

    @property
    def database_url(self) -> str | None:
        """Where the service that was started keeps its state; it may hold a password."""
        return None if self.server is None else self.server.config.database_url

    @property
    def database_file(self) -> Path | None:
        """The file that the service keeps its state in, where that is the run's own."""
        if self.server is None or DATABASE_VARIABLE in self.server.config.environ:
            return None
        return self.server.config.database

    def poll_or_raise(self) -> None:
        """PartError if a part that was started has died."""
        if self.broker is not None:
            self.broker.poll_or_raise()
        if self.server is not None:
            self.server.poll_or_raise()


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asked for: what is given is used, what is None is started."""

    bootstrap_servers: str | None
    host: str | None
    app: str
    topic: str
    partitions: int
    replication: int
    create_topic: bool
    acks: str | None
    idempotence: bool | None
    promise: str

    @property
    def service_environ(self) -> dict[str, str]:
        """What the game service is told of how to publish."""
        chosen = {}
        if self.acks is not None:
            chosen["SERVICE_ACKS"] = self.acks
        if self.idempotence is not None:
            chosen["SERVICE_IDEMPOTENCE"] = "on" if self.idempotence else "off"
        elif self.acks not in {None, "all"}:
            chosen["SERVICE_IDEMPOTENCE"] = "off"  # it is there with acks=all alone
        return chosen

    def promised(self, environ: Mapping[str, str]) -> str:
        """Say what an acknowledgement stands for: what the user says, or the game's settings."""
        if self.promise or self.host is not None or self.app != DEFAULT_APP:
            return self.promise
        told = {**environ, **self.service_environ}
        is_idempotent = told.get("SERVICE_IDEMPOTENCE", "on").lower() in {"on", "true", "1", "yes"}
        acks = told.get("SERVICE_ACKS", "all")
        return f"acks={acks}, {'idempotent' if is_idempotent else 'not idempotent'}"


def start_broker(ready: Platform, data_dir: Path) -> Broker:
    """Start the embedded broker on a folder, new or not."""
    with ready.console.step("Starting the broker"):
        class_data = ClassData.of(cache_folder(ready.environ), ready.java.home, ready.broker_jars)
        config = BrokerConfig(
            ready.java, ready.broker_jars, data_dir, ready.environ, class_data=class_data
        )
        return Broker(config)


def start(stack: contextlib.ExitStack, wish: Wish, ready: Platform, folder: Path) -> Target:
    """Start what the user did not give; `stack` ends it again."""
    broker, server = None, None
    bootstrap_servers, host = wish.bootstrap_servers, wish.host
    if bootstrap_servers is None:
        broker = start_broker(ready, folder / BROKER_DATA)
        stack.callback(_stop, "broker", broker.stop, ready.console)
        bootstrap_servers = broker.bootstrap_servers
    if broker is not None or wish.create_topic:
        ensure_topic(bootstrap_servers, wish.topic, wish.partitions, wish.replication)
    elif describe(bootstrap_servers, wish.topic) is None:
        raise UsageError(
            f"there is no topic {wish.topic!r} at {bootstrap_servers}: name another with --topic, "
            "or have it made with --create-topic"
        )
    if host is None:
        server = _start_service(wish, bootstrap_servers, folder, ready)
        stack.callback(_stop, "service", server.stop, ready.console)
        host = server.url
    return Target(check_host(host), bootstrap_servers, broker, server)


def check_host(host: str) -> str:
    """Return the service's address without a trailing slash. UsageError if it is none."""
    parts = urlsplit(host)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError(f"--host must be http://… or https://…, got {without_secrets(host)!r}")
    if "@" in parts.netloc and not (parts.username and parts.password):
        raise UsageError("--host has a user without a password: write https://USER:PASSWORD@…")
    return host.rstrip("/")


def _start_service(wish: Wish, bootstrap_servers: str, folder: Path, ready: Platform) -> Server:
    with ready.console.step("Starting the service"):
        return Server(
            ServerConfig(
                bootstrap_servers=bootstrap_servers,
                topic=wish.topic,
                log_path=folder / "logs" / "service.log",
                environ={**ready.environ, **wish.service_environ},
                app=wish.app,
                database=folder / DATABASE,
            )
        )


def _stop(name: str, stop: Callable[[], object], console: Console) -> None:
    with console.step(f"Stopping the {name}"):
        stop()
