"""The local stack: starts broker, topic and service in order, and stops them in reverse."""

import contextlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from headcount.cli.options.target_options import TargetOptions, check_host
from headcount.cli.platform import Platform
from headcount.console import Console
from headcount.errors import UsageError
from headcount.kafka.cluster import Cluster
from headcount.kafka.missing_topic import missing_topic
from headcount.kafka.permissions import check_read
from headcount.kafka.topic import TopicDescription, describe, ensure_topic
from headcount.kafka_settings import config_file
from headcount.kafka_settings.config_file import ASSIGNMENTS_VARIABLE, FILE_VARIABLE
from headcount.kafka_settings.settings import PLAINTEXT, KafkaSettings
from headcount.run.address import without_secrets
from headcount.stack.broker import Broker
from headcount.stack.broker_config import DEFAULT_PORT, BrokerConfig, single_node_membership
from headcount.stack.cache import cache_folder
from headcount.stack.jvm.cds_archive import ClassData
from headcount.stack.secure_listener import SecureListener, secure_listener
from headcount.stack.service import DATABASE_VARIABLE, Server, ServerConfig

BROKER_DATA = "broker"
DATABASE = "game.sqlite3"
_SERVICE_NAMES = {
    FILE_VARIABLE: "SERVICE_KAFKA_CONFIG",
    ASSIGNMENTS_VARIABLE: "SERVICE_KAFKA_SETTINGS",
}
"""Headcount's variables for Kafka settings, and what the game service calls each of them."""


@dataclass(frozen=True, slots=True)
class Target:
    """The service under load and the brokers that hold its events.

    `broker` and `server` are None if they are the user's own. `host` may hold a password.
    """

    host: str
    cluster: Cluster
    broker: Broker | None
    server: Server | None
    kafka_environ: Mapping[str, str] = field(default_factory=dict)
    """Variables that name the settings of the broker that was started, if it is secured."""

    @property
    def address(self) -> str:
        """The service's address without secrets, for messages."""
        return without_secrets(self.host)

    @property
    def locust_environ(self) -> dict[str, str]:
        """Variables for Locust: the host, unseen in process lists, and the Kafka settings."""
        return {"LOCUST_HOST": self.host, **self.kafka_environ}

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


def start_broker(ready: Platform, data_dir: Path, secure: SecureListener | None = None) -> Broker:
    """Start the embedded broker on a folder, new or used before."""
    with ready.console.step("Starting the broker"):
        class_data = ClassData.of(cache_folder(ready.environ), ready.java.home, ready.broker_jars)
        member = None if secure is None else single_node_membership(DEFAULT_PORT)
        config = BrokerConfig(
            ready.java,
            ready.broker_jars,
            data_dir,
            ready.environ,
            membership=member,
            settings={} if secure is None or member is None else secure.broker_settings(member),
            class_data=class_data,
        )
        with contextlib.ExitStack() as undo:
            broker = undo.enter_context(Broker(config))
            if secure is not None:
                secure.add_user(broker)
            undo.pop_all()
            return broker


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
    own = _own_broker(stack, options, kafka, ready, folder)
    servers = options.bootstrap_servers or kafka.bootstrap_servers
    brokers = own or _Brokers(None, Cluster(servers, kafka), _settings_of_user(ready))
    _check_topic(brokers, options)
    server, host = None, options.host
    if host is None:
        server = _start_service(options, brokers, folder, ready)
        stack.callback(_stop, "service", server.stop, ready.console)
        host = server.url
    return Target(check_host(host), brokers.cluster, brokers.own, server, brokers.environ)


def start_broker_only(
    stack: contextlib.ExitStack,
    options: TargetOptions,
    topics: Iterable[str],
    ready: Platform,
    folder: Path,
) -> Target:
    """Start a broker with topics and nothing else; `stack` stops it. PartError if it fails."""
    own = _own_broker(stack, replace(options, bootstrap_servers=None), PLAINTEXT, ready, folder)
    assert own is not None
    assert own.own is not None
    for topic in dict.fromkeys(topics):
        ensure_topic(own.own.cluster, topic, options.partitions, options.replication)
    return Target("", own.cluster, own.own, None, own.environ)


@dataclass(frozen=True, slots=True)
class _Brokers:
    """The brokers as clients reach them; `own` is None if they are the user's.

    `environ` are the variables that name their settings.
    """

    own: Broker | None
    cluster: Cluster
    environ: Mapping[str, str]


def _own_broker(
    stack: contextlib.ExitStack,
    options: TargetOptions,
    kafka: KafkaSettings,
    ready: Platform,
    folder: Path,
) -> _Brokers | None:
    """Start a broker unless the user has named some."""
    is_named = bool(options.bootstrap_servers or kafka.bootstrap_servers)
    if options.secure and (is_named or kafka != PLAINTEXT):
        raise UsageError(
            "--secure applies only to a broker that Headcount starts: leave out --secure, or the "
            "brokers and Kafka settings"
        )
    if is_named:
        return None
    if kafka != PLAINTEXT:
        raise UsageError(
            "the Kafka settings name no brokers: add bootstrap.servers to them, or pass "
            "--bootstrap-servers"
        )
    secure = stack.enter_context(secure_listener()) if options.secure else None
    broker = start_broker(ready, folder / BROKER_DATA, secure)
    stack.callback(_stop, "broker", broker.stop, ready.console)
    if secure is None:
        return _Brokers(broker, broker.cluster, {})
    settings = config_file.load(secure.client_file)
    cluster = Cluster(settings.bootstrap_servers, settings)
    return _Brokers(broker, cluster, config_file.environ_of(secure.client_file, ()))


def _check_topic(brokers: _Brokers, options: TargetOptions) -> None:
    """Check the topic; create it if it is missing, where that is allowed.

    Raises:
        UsageError: The topic is missing, and creating it is not allowed.
        PartError: The user may not read it.
    """
    if brokers.own is not None:
        ensure_topic(brokers.own.cluster, options.topic, options.partitions, options.replication)
        return
    if options.create_topic:
        described: TopicDescription | None = ensure_topic(
            brokers.cluster, options.topic, options.partitions, options.replication
        )
    else:
        described = describe(brokers.cluster, options.topic)
    if described is None:
        raise UsageError(
            missing_topic(
                options.topic,
                brokers.cluster,
                "name another with --topic, or create it with --create-topic",
            )
        )
    check_read(brokers.cluster, options.topic, described.operations)


def _start_service(
    options: TargetOptions, brokers: _Brokers, folder: Path, ready: Platform
) -> Server:
    with ready.console.step("Starting the service"):
        return Server(
            ServerConfig(
                bootstrap_servers=brokers.cluster.bootstrap_servers,
                topic=options.topic,
                log_path=folder / "logs" / "service.log",
                environ={
                    **ready.environ,
                    **options.service_environ,
                    **{_SERVICE_NAMES[name]: value for name, value in brokers.environ.items()},
                },
                app=options.app,
                database=folder / DATABASE,
            )
        )


def _settings_of_user(ready: Platform) -> dict[str, str]:
    """Return the variables that name the user's Kafka settings."""
    return {name: value for name, value in ready.environ.items() if name in _SERVICE_NAMES}


def _stop(name: str, stop: Callable[[], object], console: Console) -> None:
    with console.step(f"Stopping the {name}"):
        stop()
