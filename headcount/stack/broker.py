"""The broker: a real single-node Apache Kafka in KRaft mode, as a child process.

A data folder holds all of one broker: its settings, its log and its data. A broker that was
stopped, or killed, can be started again on the same folder, on other ports if need be.
"""

import contextlib
import fcntl
import functools
import os
import shutil
import signal
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from headcount.errors import PartError
from headcount.kafka.topic import cluster_id
from headcount.stack.jvm.cds_archive import ClassData, Use
from headcount.stack.jvm.flags import LONG_WORK, QUICK_START
from headcount.stack.jvm.java import Java, java_environ
from headcount.stack.ports import LOOPBACK, free_port, is_free
from headcount.stack.process import Process, wait_until

DEFAULT_PORT = 9092
DATA = "log"
"""The folder of the data within the broker's: it is named from there, for a list of folders has
commas and a file of Java's properties is Latin-1, while the broker's folder may be called anything.
"""
_SETTINGS_FILE, _FORMAT_FILE, _LOGGING_FILE = (
    "server.properties",
    "format.properties",
    "log4j2.properties",
)
CLAIM_DEADLINE_S = 30.0
WRITE_TIMEOUT_S = 120.0
"""What there is for the end of a broker that then writes its class data."""
ATTEMPTS = 3  # to start, each with other ports: see `headcount.stack.ports`

_JVM_OPTIONS = (
    "-Xms256m",
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
)

_PLAIN = frozenset(map(chr, range(0x20, 0x7F))) - {"\\"}
_ENDED_BY_SIGTERM = 128 + signal.SIGTERM
"""A JVM's exit code when it was told to end, and did so in order."""

_SETTINGS = """\
# Written anew at each start.
process.roles=broker,controller
node.id={node_id}
controller.quorum.voters={voters}
listeners=CLIENTS://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=CLIENTS://{host}:{port}
listener.security.protocol.map=CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=CLIENTS
controller.listener.names=CONTROLLER
log.dirs={data}

# A topic that nobody made is a mistake in the test, and must be seen.
auto.create.topics.enable=false
# Evidence does not expire.
log.retention.ms=-1
log.retention.bytes=-1

# Every node holds everything, and all but one of several must have it before it is acknowledged.
default.replication.factor={nodes}
min.insync.replicas={min_insync}
offsets.topic.num.partitions=1
offsets.topic.replication.factor={nodes}
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor={nodes}
transaction.state.log.min.isr={min_insync}
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor={nodes}
share.coordinator.state.topic.min.isr={min_insync}
group.initial.rebalance.delay.ms=0
auto.leader.rebalance.enable=false
log.cleaner.dedupe.buffer.size=16777216
"""

_LOGGING = """\
status = warn
shutdownHook = disable
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601} %p %m (%c{1})%n
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
"""


@dataclass(frozen=True, slots=True)
class Membership:
    """A broker's place in a cluster of several: all of them are told the same, but for `index`.

    `ports` are for clients, `controller_ports` for the nodes among themselves, one of each a node.
    """

    cluster_id: str
    index: int
    ports: tuple[int, ...]
    controller_ports: tuple[int, ...]

    @staticmethod
    def of_cluster(nodes: int) -> "tuple[Membership, ...]":
        """Think out a cluster on free ports; its brokers start together, for they vote."""
        ports = tuple(free_port() for _ in range(2 * nodes))
        halves = ports[:nodes], ports[nodes:]
        cluster = _new_cluster_id()
        return tuple(Membership(cluster, index, *halves) for index in range(nodes))


@dataclass(frozen=True, slots=True)
class BrokerConfig:
    """What an embedded broker is made of.

    `port` is where clients find it, or, where that is taken, a free one; 0 asks for a free one. A
    broker with a `membership` is one of several, and is where that says and nowhere else.
    `settings` are Kafka's own, and stand above what is set here.
    """

    java: Java
    jars: tuple[Path, ...]
    data_dir: Path
    environ: Mapping[str, str]
    port: int = DEFAULT_PORT
    membership: Membership | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    class_data: ClassData | None = None
    """Makes the start quicker, where there is any."""
    start_deadline_s: float = 120.0
    stop_timeout_s: float = 30.0

    @property
    def log_path(self) -> Path:
        """What the broker says."""
        return self.data_dir / "broker.log"

    def path(self, name: str) -> str:
        """Spell out the path of a file in the broker's folder."""
        return str(self.data_dir.absolute() / name)


class Broker:
    """A broker that runs from its making until `stop`.

    Raises:
        PartError: It cannot start; the message holds the last that it said.
    """

    def __init__(self, config: BrokerConfig) -> None:
        self.config = config
        with contextlib.ExitStack() as undo:
            lock = undo.enter_context(_claimed(config.data_dir))
            (config.data_dir / _LOGGING_FILE).write_text(_LOGGING, encoding="ascii")
            self.port, self._process, self._use = _started(config, lock, undo)
            self.cluster_id = self._answered_cluster_id()
            undo.callback(self._keep_class_data)
            self._undo = undo.pop_all()

    @property
    def bootstrap_servers(self) -> str:
        """Where clients find it, as `host:port`."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def data_dir(self) -> Path:
        """The folder that holds all of it."""
        return self.config.data_dir

    @property
    def log_path(self) -> Path:
        """What it said."""
        return self.config.log_path

    def poll_or_raise(self) -> None:
        """Raise PartError if it is over."""
        self._process.poll_or_raise()

    def _answered_cluster_id(self) -> str:
        """Ask what only a broker that serves requests can tell."""
        try:
            return cluster_id(self.bootstrap_servers, timeout_s=self.config.start_deadline_s)
        except PartError:
            self.poll_or_raise()
            raise

    def _keep_class_data(self) -> None:
        code = self._process.returncode
        self._use.finish(0 if code == _ENDED_BY_SIGTERM else code)

    def stop(self) -> None:
        """Stop it so that it closes its logs, and let go of its folder. Idempotent."""
        try:
            self._process.stop(WRITE_TIMEOUT_S if self._use.aside else self.config.stop_timeout_s)
        finally:
            self._undo.close()

    def kill(self) -> None:
        """End it as a crash would, and let go of its folder. Idempotent."""
        self._process.kill()
        self._undo.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


@contextlib.contextmanager
def _claimed(data_dir: Path) -> Iterator[IO[str]]:
    """Hold the folder's lock: two brokers in one folder would destroy its data.

    The broker holds it too, so that it lasts until the last of the two has ended.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        file = (data_dir / "broker.lock").open("a", encoding="utf-8")
    except OSError as error:
        raise PartError(f"the broker's folder {data_dir} cannot be used: {error}") from error
    with file:
        try:
            # One whose command was killed needs a moment to close its data.
            wait_until(lambda: _is_locked(file), CLAIM_DEADLINE_S, "the folder is free")
        except PartError:
            raise PartError(
                f"another broker runs in {data_dir}: stop it, or choose another folder"
            ) from None
        yield file


def _is_locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _started(
    config: BrokerConfig, lock: IO[str], undo: contextlib.ExitStack
) -> tuple[int, Process, Use]:
    """Start it, with other ports when one was taken between finding it free and binding it."""
    for attempt in range(ATTEMPTS):
        member = config.membership or _alone(config.port if attempt == 0 else 0)
        port, controller_port = member.ports[member.index], member.controller_ports[member.index]
        _write_settings(config, member, _SETTINGS_FILE, DATA)
        _format(config, member)
        use = Use() if config.class_data is None else config.class_data.begin()
        undo.callback(use.finish, None)
        process = Process(
            "the broker",
            _command(
                config,
                (*use.options, *LONG_WORK),
                "kafka.Kafka",
                config.path(_SETTINGS_FILE),
            ),
            log_path=config.log_path,
            environ=java_environ(config.environ),
            cwd=config.data_dir,
            keep_open=[lock],
        )
        undo.callback(process.stop, config.stop_timeout_s)
        try:
            wait_until(
                functools.partial(process.listens_on, port),
                config.start_deadline_s,
                f"the broker listens on {LOOPBACK}:{port}",
                process,
            )
        except PartError:
            dead = process.returncode is not None
            if attempt + 1 == ATTEMPTS or not dead or (is_free(port) and is_free(controller_port)):
                raise
        else:
            return port, process, use
    raise AssertionError


def _alone(preferred_port: int) -> Membership:
    return Membership(_new_cluster_id(), 0, (free_port(preferred_port),), (free_port(),))


def _write_settings(config: BrokerConfig, member: Membership, name: str, data: str) -> None:
    nodes = len(member.ports)
    text = _SETTINGS.format(
        host=LOOPBACK,
        node_id=member.index + 1,
        voters=",".join(
            f"{index}@{LOOPBACK}:{port}" for index, port in enumerate(member.controller_ports, 1)
        ),
        port=member.ports[member.index],
        controller_port=member.controller_ports[member.index],
        data=data,
        nodes=nodes,
        min_insync=max(1, nodes - 1),
    )
    text += "".join(f"{key}={_escaped(value)}\n" for key, value in config.settings.items())
    (config.data_dir / name).write_text(text, encoding="ascii")


def _escaped(value: str) -> str:
    """Write a value of Java's properties, which are Latin-1, in ASCII."""
    units = value.encode("utf-16-be")
    codes = (int.from_bytes(units[at : at + 2]) for at in range(0, len(units), 2))
    return "".join(chr(code) if chr(code) in _PLAIN else f"\\u{code:04x}" for code in codes)


def _format(config: BrokerConfig, member: Membership) -> None:
    """Make the log folder, aside first: one that was formatted half is never met again."""
    if (config.data_dir / DATA).exists():
        return
    aside = config.data_dir / f"{DATA}.formatting"
    shutil.rmtree(aside, ignore_errors=True)
    _write_settings(config, member, _FORMAT_FILE, aside.name)
    arguments = (
        *("kafka.tools.StorageTool", "format"),
        *(
            "--cluster-id",
            member.cluster_id,
            "--config",
            config.path(_FORMAT_FILE),
        ),
    )
    class_data = () if config.class_data is None else config.class_data.options
    with Process(
        "formatting the broker's storage",
        _command(config, (*class_data, *QUICK_START), *arguments),
        log_path=config.log_path,
        environ=java_environ(config.environ),
        cwd=config.data_dir,
    ) as tool:
        if tool.wait(config.start_deadline_s) != 0:
            tool.poll_or_raise()
    aside.rename(config.data_dir / DATA)


def _new_cluster_id() -> str:
    """Make an id as Kafka does: 16 random bytes, whose text never looks like an option."""
    return urlsafe_b64encode(b"\0" + uuid.uuid4().bytes[1:]).decode().rstrip("=")


def _command(config: BrokerConfig, java_options: Sequence[str], *arguments: str) -> Sequence[str]:
    return [
        str(config.java.executable.absolute()),
        *_JVM_OPTIONS,
        *java_options,
        f"-Dlog4j2.configurationFile={_LOGGING_FILE}",
        "-cp",
        os.pathsep.join(map(str, config.jars)),
        *arguments,
    ]
