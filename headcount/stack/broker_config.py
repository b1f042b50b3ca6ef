"""The broker's settings: writes them to Kafka's property files, and formats the storage."""

import os
import shutil
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from headcount.stack.jvm.cds_archive import ClassData
from headcount.stack.jvm.compilation_flags import QUICK_START
from headcount.stack.jvm.java import Java, java_environ
from headcount.stack.ports import LOOPBACK, free_port
from headcount.stack.process import Process

DEFAULT_PORT = 9092

DATA = "log"
"""The data folder, relative to the broker's folder.

An absolute path would not be safe: `log.dirs` is a comma-separated list in a Latin-1 file, and the
path of the broker's folder may contain any character.
"""

SETTINGS_FILE, _FORMAT_FILE, LOGGING_FILE = (
    "server.properties",
    "format.properties",
    "log4j2.properties",
)

_JVM_OPTIONS = (
    "-Xms256m",
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
)

_PLAIN = frozenset(map(chr, range(0x20, 0x7F))) - {"\\"}

_SETTINGS = """\
# Rewritten at each start.
process.roles=broker,controller
node.id={node_id}
controller.quorum.voters={voters}
listeners=CLIENTS://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=CLIENTS://{host}:{port}
listener.security.protocol.map=CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=CLIENTS
controller.listener.names=CONTROLLER
log.dirs={data}

# A missing topic is a mistake in the test and must not go unnoticed.
auto.create.topics.enable=false
# Evidence does not expire.
log.retention.ms=-1
log.retention.bytes=-1

# Every node holds a replica; all but one must be in sync before a record is acknowledged.
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


@dataclass(frozen=True, slots=True)
class Membership:
    """A broker's place in a cluster: only `index` differs between its brokers.

    Each node has one of `ports`, for clients, and one of `controller_ports`, for the other nodes.
    """

    cluster_id: str
    index: int
    ports: tuple[int, ...]
    controller_ports: tuple[int, ...]

    @staticmethod
    def of_cluster(nodes: int) -> "tuple[Membership, ...]":
        """Plan a cluster on free ports. Start its brokers together: they elect a controller."""
        ports = tuple(free_port() for _ in range(2 * nodes))
        halves = ports[:nodes], ports[nodes:]
        cluster = _new_cluster_id()
        return tuple(Membership(cluster, index, *halves) for index in range(nodes))


@dataclass(frozen=True, slots=True)
class BrokerConfig:
    """How an embedded broker is started.

    `port` is the preferred port for clients; if it is taken, or 0, a free one is used. If
    `membership` is set, the broker joins that cluster on the ports listed there, and `port` is
    ignored. `settings` are Kafka's own and override the defaults above.
    """

    java: Java
    jars: tuple[Path, ...]
    data_dir: Path
    environ: Mapping[str, str]
    port: int = DEFAULT_PORT
    membership: Membership | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    jvm_options: tuple[str, ...] = ()
    class_data: ClassData | None = None
    """An archive that speeds up the start."""
    start_deadline_s: float = 120.0
    stop_timeout_s: float = 30.0

    @property
    def log_path(self) -> Path:
        """The broker's log."""
        return self.data_dir / "broker.log"

    def path(self, name: str) -> str:
        """Return the absolute path of a file in the broker's folder."""
        return str(self.data_dir.absolute() / name)


def single_node_membership(preferred_port: int) -> Membership:
    """Create the membership of a single-node cluster."""
    return Membership(_new_cluster_id(), 0, (free_port(preferred_port),), (free_port(),))


def write_settings(config: BrokerConfig, member: Membership, name: str, data: str) -> None:
    """Write the settings file `name` for a member that keeps its data in the folder `data`."""
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
    """Escape a value for a Java properties file, so that the file is pure ASCII."""
    units = value.encode("utf-16-be")
    codes = (int.from_bytes(units[at : at + 2]) for at in range(0, len(units), 2))
    return "".join(chr(code) if chr(code) in _PLAIN else f"\\u{code:04x}" for code in codes)


def format_storage(config: BrokerConfig, member: Membership) -> None:
    """Format the data folder under a temporary name, so that no broker sees it half formatted."""
    if (config.data_dir / DATA).exists():
        return
    unfinished = config.data_dir / f"{DATA}.formatting"
    shutil.rmtree(unfinished, ignore_errors=True)
    write_settings(config, member, _FORMAT_FILE, unfinished.name)
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
        broker_command(config, (*class_data, *QUICK_START), *arguments),
        log_path=config.log_path,
        environ=java_environ(config.environ),
        cwd=config.data_dir,
    ) as tool:
        if tool.wait(config.start_deadline_s) != 0:
            tool.poll_or_raise()
    unfinished.rename(config.data_dir / DATA)


def _new_cluster_id() -> str:
    """Create an id of 16 bytes in base64, as Kafka does; it never starts with a hyphen."""
    return urlsafe_b64encode(b"\0" + uuid.uuid4().bytes[1:]).decode().rstrip("=")


def broker_command(
    config: BrokerConfig, java_options: Sequence[str], *arguments: str
) -> Sequence[str]:
    """Build the command line of the broker or of a Kafka tool."""
    return [
        str(config.java.executable.absolute()),
        *_JVM_OPTIONS,
        *config.jvm_options,
        *java_options,
        f"-Dlog4j2.configurationFile={LOGGING_FILE}",
        "-cp",
        os.pathsep.join(map(str, config.jars)),
        *arguments,
    ]
