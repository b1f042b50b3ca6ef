"""The session: starts Spark for one command, quiet and alone, and leaves nothing behind.

It owns the JVM, its log and its scratch folder. The JVM listens on loopback only when the master is
local, asks no network when it starts, is out of reach of the terminal's Ctrl-C, and ends with this
process however that ends, for it watches a pipe that closes then.
"""

import contextlib
import functools
import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyspark
from py4j.protocol import Py4JError  # type: ignore[import-untyped]
from pyspark import SparkConf, SparkContext
from pyspark.java_gateway import launch_gateway
from pyspark.serializers import UTF8Deserializer, read_int
from pyspark.sql import SparkSession

from headcount.errors import PartError

LOOPBACK = "127.0.0.1"
LOG_SETTINGS = Path(__file__).with_name("log4j2.properties")
START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 10.0

# A socket's path may have 107 bytes (unix(7)), and pyspark's own names of sockets take 43.
_LONGEST_SOCKET_FOLDER = 60

_SPARK_HOME = Path(pyspark.__file__).parent

_COLLECTOR = "-XX:+UseParallelGC"
"""Keeps the heap small, where G1 takes all there is; pauses harm nobody here."""

QUICK_START = ("-XX:TieredStopAtLevel=1",)
"""Compiles quickly and not well: sooner ready, slower later."""

FEW_EVENTS = 3_000_000
"""Up to so many events, sooner ready is sooner done."""

# What the user's shell may hold would bring another Spark, its settings or its arguments in.
_FOREIGN_VARIABLES = (
    "SPARK_CONF_DIR",
    "SPARK_LOCAL_DIRS",
    "SPARK_TESTING",
    "PYSPARK_SUBMIT_ARGS",
    "PYSPARK_GATEWAY_PORT",
    "PYSPARK_GATEWAY_SECRET",
)


@dataclass(frozen=True, slots=True)
class SessionConfig:
    """What a session is made of; `heap` is a size as the JVM writes it."""

    java_home: Path
    connector_jars: Sequence[Path]
    log_file: Path
    master: str = "local[*]"
    heap: str = "1400m"
    shuffle_partitions: int = 8
    scratch: Path | None = None
    """Where the scratch folder is made, by default where the system has such folders."""
    java_options: Sequence[str] = ()
    """More options of the JVM; see `suited_to`."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Spark's own, which stand above what is set here."""

    @property
    def is_local(self) -> bool:
        """Whether executors run in the driver's own JVM."""
        return self.master.startswith("local")


def suited_to(events: int) -> tuple[str, ...]:
    """The JVM's options for so many events."""
    return QUICK_START if events <= FEW_EVENTS else ()


@contextlib.contextmanager
def open_session(config: SessionConfig) -> Iterator[SparkContext]:
    """Start Spark, and stop it when the block ends.

    Raises:
        PartError: It cannot start; the message names its log.
    """
    with begun_session(config) as started:
        yield started()


@contextlib.contextmanager
def begun_session(config: SessionConfig) -> Iterator[Callable[[], SparkContext]]:
    """Begin to start Spark, and stop it when the block ends.

    What is given waits until it has started, once. Other work can be done before that.

    Raises:
        PartError: It cannot start; the message names its log.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(_quiet_py4j())
        scratch = stack.enter_context(
            tempfile.TemporaryDirectory(
                prefix="headcount-spark-", dir=config.scratch, ignore_cleanup_errors=True
            )
        )
        stack.enter_context(_kept_interrupt_handler())
        sockets = stack.enter_context(_socket_folder(Path(scratch)))
        address = stack.enter_context(_jvm(config, Path(scratch), sockets))
        yield lambda: _connect(config, address(), stack)


@dataclass(frozen=True, slots=True)
class _Address:
    """Where the JVM takes this process's calls."""

    port: int
    secret: str


@contextlib.contextmanager
def _jvm(config: SessionConfig, scratch: Path, sockets: Path) -> Iterator[Callable[[], _Address]]:
    """Run the JVM until the block ends; its own output goes where its log goes.

    What is given waits until it takes calls.
    """
    told = scratch / "gateway"
    config.log_file.parent.mkdir(parents=True, exist_ok=True)
    began = config.log_file.stat().st_size if config.log_file.exists() else 0
    with config.log_file.open("ab") as log:
        process = subprocess.Popen(
            _command(config, scratch, sockets),
            # The JVM ends when this pipe closes, which it does however this process ends.
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            # In a session of its own: a Ctrl-C in the terminal is for this process to handle.
            start_new_session=True,
            env=_environment(config, told),
        )
    try:
        yield functools.partial(_awaited, config, process, told, began)
    finally:
        _end(process)


def _command(config: SessionConfig, scratch: Path, sockets: Path) -> list[str]:
    command = [str(_SPARK_HOME / "bin" / "spark-submit")]
    for key, value in settings(config, scratch, sockets).items():
        command += ["--conf", f"{key}={value}"]
    return [*command, "pyspark-shell"]


def _environment(config: SessionConfig, told: Path) -> dict[str, str]:
    """Give the JVM this process's environment, without what would bring in another Spark."""
    kept = {name: value for name, value in os.environ.items() if name not in _FOREIGN_VARIABLES}
    kept |= {
        "JAVA_HOME": str(config.java_home),
        "SPARK_HOME": str(_SPARK_HOME),
        "SPARK_CONNECT_MODE": "0",
        "_PYSPARK_DRIVER_CONN_INFO_PATH": str(told),
    }
    if config.is_local:
        kept["SPARK_LOCAL_IP"] = LOOPBACK
    return kept


def _awaited(
    config: SessionConfig, process: subprocess.Popen[bytes], told: Path, began: int
) -> _Address:
    """Wait until the JVM says where it listens."""
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while not told.exists():
        if process.poll() is not None:
            raise _cannot_start(config, _first_complaint(config.log_file, began))
        if time.monotonic() > deadline_s:
            raise _cannot_start(config, f"it was not ready after {START_TIMEOUT_S:g} s")
        time.sleep(0.05)
    with told.open("rb") as file:
        port: int = read_int(file)  # type: ignore[no-untyped-call]
        return _Address(port, UTF8Deserializer().loads(file))  # type: ignore[no-untyped-call]


def _first_complaint(log_file: Path, began: int) -> str:
    """Give the first thing that a JVM complained of, which is why it ended."""
    with log_file.open("rb") as file:
        file.seek(began)
        lines = [line.strip() for line in file.read().decode(errors="replace").splitlines()]
    told = (line for line in lines if line and not line.startswith(("WARNING", "Picked up")))
    return next(told, "it ended without a word")


def _connect(config: SessionConfig, address: _Address, stack: contextlib.ExitStack) -> SparkContext:
    try:
        with _lent(
            PYSPARK_GATEWAY_PORT=str(address.port),
            PYSPARK_GATEWAY_SECRET=address.secret,
            # Executors run this interpreter, unless the user names theirs.
            PYSPARK_PYTHON=os.environ.get("PYSPARK_PYTHON", sys.executable),
        ):
            gateway = launch_gateway()  # type: ignore[no-untyped-call]
            stack.callback(_disconnect, gateway)
            context = SparkContext(gateway=gateway, conf=SparkConf(_jvm=gateway.jvm))
    except Exception as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise _cannot_start(config, lines[0]) from error
    _silence(context)
    stack.callback(_stop, context)
    return context


def sql(spark: SparkContext) -> SparkSession:
    """Give what Spark reads tables by: the first time takes it seconds, so not all ask for it."""
    return SparkSession.getActiveSession() or SparkSession(spark)


def is_alive(spark: SparkContext) -> bool:
    """Tell whether the JVM is still there."""
    try:
        return not spark._jsc.sc().isStopped()  # noqa: SLF001 - no public way to ask
    except (Py4JError, OSError, AttributeError):
        return False


def _silence(context: SparkContext) -> None:
    """Keep the server that takes accumulators from printing a traceback when the JVM dies."""
    server: Any = context._accumulatorServer  # noqa: SLF001
    server.handle_error = lambda *_: None


def _cannot_start(config: SessionConfig, why: str) -> PartError:
    return PartError(f"Spark cannot start: {why}; its log is {config.log_file}")


def _knows_localhost() -> bool:
    """Tell whether the name can be looked up, which on a minimal machine it cannot."""
    try:
        return bool(socket.getaddrinfo("localhost", None))
    except OSError:
        return False


@contextlib.contextmanager
def _socket_folder(scratch: Path) -> Iterator[Path]:
    """Give a folder whose path leaves room for a socket's name: a socket's path is short."""
    if len(os.fsencode(scratch)) <= _LONGEST_SOCKET_FOLDER:
        yield scratch
        return
    with tempfile.TemporaryDirectory(prefix="headcount-", dir="/tmp") as folder:
        yield Path(folder)


def settings(config: SessionConfig, scratch: Path, sockets: Path) -> dict[str, str]:
    """Give Spark's settings for a session."""
    jars = [str(jar) for jar in config.connector_jars]
    chosen = {
        "spark.app.name": "headcount",
        "spark.master": config.master,
        "spark.driver.memory": config.heap,
        "spark.driver.extraJavaOptions": _java_options(config, scratch),
        "spark.driver.extraClassPath": os.pathsep.join(jars),
        "spark.local.dir": str(scratch / "local"),
        "spark.sql.warehouse.dir": local_url(scratch / "warehouse"),
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "true",
        "spark.sql.adaptive.enabled": "true",
        "spark.sql.shuffle.partitions": str(config.shuffle_partitions),
        "spark.sql.execution.arrow.pyspark.enabled": "false",
        "spark.sql.execution.arrow.maxRecordsPerBatch": "50000",
        "spark.sql.execution.arrow.maxBytesPerBatch": "32m",
        "spark.python.daemon.module": "analysis.daemon",
        "spark.sql.parquet.compression.codec": "zstd",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version": "2",
    }
    chosen |= socket_settings(sockets)
    if config.is_local:
        chosen |= {"spark.driver.host": LOOPBACK, "spark.driver.bindAddress": LOOPBACK}
    else:
        chosen["spark.jars"] = ",".join(jars)
        chosen["spark.executor.extraJavaOptions"] = " ".join(config.java_options)
    chosen |= config.settings
    return {key: value for key, value in chosen.items() if value}


def socket_settings(sockets: Path) -> dict[str, str]:
    """Give what lets pyspark listen: on localhost, or on sockets in a folder where that is none."""
    if _knows_localhost():
        return {}
    return {
        "spark.python.unix.domain.socket.enabled": "true",
        "spark.python.unix.domain.socket.dir": str(sockets),
    }


def local_url(path: Path) -> str:
    """Name a local path to Spark, which takes it as it stands: nothing is percent-encoded."""
    return f"file://{path.absolute()}"


def _java_options(config: SessionConfig, scratch: Path) -> str:
    options = [
        f"-Dlog4j2.configurationFile={LOG_SETTINGS.as_uri()}",
        f"-Dheadcount.log={config.log_file.absolute()}",
        f"-Djava.io.tmpdir={scratch}",
        _COLLECTOR,
        *config.java_options,
    ]
    return " ".join(f'"{option}"' for option in options)


@contextlib.contextmanager
def _lent(**variables: str) -> Iterator[None]:
    """Set variables that pyspark reads nowhere but in the environment, for as long as it does."""
    kept = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in kept.items():
            del os.environ[name]
            if value is not None:
                os.environ[name] = value


@contextlib.contextmanager
def _quiet_py4j() -> Iterator[None]:
    """Keep py4j from printing stack traces when a call is interrupted."""
    # It logs some of them in its own name and some in the root's.
    loggers = (logging.getLogger("py4j"), logging.getLogger("py4j.clientserver"), logging.root)
    for logger in loggers:
        logger.addFilter(_is_not_of_py4j)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(_is_not_of_py4j)


def _is_not_of_py4j(record: logging.LogRecord) -> bool:
    return Path(record.pathname).parent.name != "py4j"


@contextlib.contextmanager
def _kept_interrupt_handler() -> Iterator[None]:
    """Undo that a SparkContext takes over Ctrl-C for the rest of the process."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kept = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, kept)


def _stop(spark: SparkContext) -> None:
    # A JVM that died has no context left to stop; what made it die is told by whoever used it.
    with contextlib.suppress(Exception):
        _end_accumulators(spark)
        spark.stop()


def _end_accumulators(spark: SparkContext) -> None:
    """Let the server that takes accumulators end by itself: it looks for that twice a second."""
    server = spark._accumulatorServer  # noqa: SLF001
    del spark._accumulatorServer  # noqa: SLF001
    threading.Thread(target=server.shutdown, daemon=True).start()


def _disconnect(gateway: Any) -> None:
    with contextlib.suppress(Exception):
        gateway.shutdown()
    # Without this a later session of the same process would talk to the JVM that is gone, or be
    # refused, for a context of a JVM that died cannot be stopped.
    SparkContext._gateway = None  # noqa: SLF001 - there is no public way
    SparkContext._jvm = None  # noqa: SLF001
    SparkContext._active_spark_context = None  # noqa: SLF001
    SparkSession._instantiatedSession = None  # noqa: SLF001


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the JVM, which takes the closed pipe for the end of its work."""
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
