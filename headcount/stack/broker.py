"""The broker: a real single-node Apache Kafka in KRaft mode, as a child process.

A data folder holds one broker's settings, log and data. A stopped or killed broker can be
restarted on the same folder, on other ports if necessary.
"""

import contextlib
import fcntl
import functools
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from headcount.errors import PartError
from headcount.kafka.cluster import Cluster
from headcount.kafka.cluster_metadata import cluster_id
from headcount.stack.broker_config import (
    DATA,
    LOGGING_FILE,
    SETTINGS_FILE,
    BrokerConfig,
    broker_command,
    format_storage,
    single_node_membership,
    write_settings,
)
from headcount.stack.jvm.cds_archive import Use
from headcount.stack.jvm.compilation_flags import LONG_WORK
from headcount.stack.jvm.java import java_environ
from headcount.stack.part import Part
from headcount.stack.ports import LOOPBACK, is_free
from headcount.stack.process import Process, wait_until

LOCK_TIMEOUT_S = 30.0
"""How long to wait for another broker to release the folder."""

ARCHIVE_TIMEOUT_S = 120.0
"""Stop time-out of a broker that writes a class data archive when it exits."""

ATTEMPTS = 3  # start attempts, each on other ports: see `headcount.stack.ports`

_ENDED_BY_SIGTERM = 128 + signal.SIGTERM
"""A JVM's exit code after an orderly shutdown on SIGTERM."""

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


class Broker(Part):
    """A broker that runs from construction until `stop`.

    Raises:
        PartError: The broker cannot start; the message quotes the end of its log.
    """

    def __init__(self, config: BrokerConfig) -> None:
        self.config = config
        with contextlib.ExitStack() as undo:
            lock = undo.enter_context(_locked_folder(config.data_dir))
            (config.data_dir / LOGGING_FILE).write_text(_LOGGING, encoding="ascii")
            self.port, self._process, self._use = _start(config, lock, undo)
            self.cluster_id = self._query_cluster_id()
            undo.callback(self._keep_class_data)
            self._undo = undo.pop_all()

    @property
    def cluster(self) -> Cluster:
        """The broker as a cluster."""
        return Cluster(self.bootstrap_servers)

    @property
    def bootstrap_servers(self) -> str:
        """The address for clients, as `host:port`."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def data_dir(self) -> Path:
        """The broker's data folder."""
        return self.config.data_dir

    def _query_cluster_id(self) -> str:
        """Return the cluster id, which only a broker that serves requests can report."""
        try:
            return cluster_id(self.cluster, timeout_s=self.config.start_deadline_s)
        except PartError:
            self.poll_or_raise()
            raise

    def _keep_class_data(self) -> None:
        code = self._process.returncode
        self._use.finish(0 if code == _ENDED_BY_SIGTERM else code)

    def stop(self) -> None:
        """Shut down the broker cleanly and release its folder. Idempotent."""
        try:
            writes_archive = self._use.temp_path is not None
            self._process.stop(ARCHIVE_TIMEOUT_S if writes_archive else self.config.stop_timeout_s)
        finally:
            self._undo.close()

    def kill(self) -> None:
        """Kill the broker, as a crash would, and release its folder. Idempotent."""
        self._process.kill()
        self._undo.close()


@contextlib.contextmanager
def _locked_folder(data_dir: Path) -> Iterator[IO[str]]:
    """Hold the folder's lock: two brokers in one folder would destroy its data.

    The broker inherits the lock, which lasts until both processes have ended.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        file = (data_dir / "broker.lock").open("a", encoding="utf-8")
    except OSError as error:
        raise PartError(f"the broker's folder {data_dir} cannot be used: {error}") from error
    with file:
        try:
            # If the command was killed, its broker needs a moment to close its data.
            wait_until(lambda: _try_lock(file), LOCK_TIMEOUT_S, "the folder is free")
        except PartError:
            raise PartError(
                f"another broker is using {data_dir}: stop it, or choose another folder"
            ) from None
        yield file


def _try_lock(file: IO[str]) -> bool:
    """Try to take the lock without waiting; return whether this process now holds it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _start(
    config: BrokerConfig, lock: IO[str], undo: contextlib.ExitStack
) -> tuple[int, Process, Use]:
    """Start the broker; retry on other ports if one is taken before the broker binds it."""
    for attempt in range(ATTEMPTS):
        preferred_port = config.port if attempt == 0 else 0
        member = config.membership or single_node_membership(preferred_port)
        port, controller_port = member.ports[member.index], member.controller_ports[member.index]
        write_settings(config, member, SETTINGS_FILE, DATA)
        format_storage(config, member)
        use = Use() if config.class_data is None else config.class_data.begin()
        undo.callback(use.finish, None)
        process = Process(
            "the broker",
            broker_command(
                config,
                (*use.options, *LONG_WORK),
                "kafka.Kafka",
                config.path(SETTINGS_FILE),
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
