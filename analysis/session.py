"""The session: starts Spark for one command, quiet and alone, and leaves nothing behind.

It owns the JVM, its log and its scratch folder. The JVM listens on loopback only when the master is
local, asks no network when it starts, is out of reach of the terminal's Ctrl-C, and ends with this
process however that ends, for it watches a pipe that closes then.
"""

import contextlib
import logging
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from pyspark import SparkConf, SparkContext
from pyspark.errors import PySparkRuntimeError
from pyspark.java_gateway import launch_gateway
from pyspark.sql import SparkSession

from headcount.errors import PartError

LOOPBACK = "127.0.0.1"
LOG_SETTINGS = Path(__file__).with_name("log4j2.properties")
STOP_TIMEOUT_S = 10.0

QUICK_START = ("-XX:TieredStopAtLevel=1",)
"""Compiles quickly and not well: sooner ready, slower later."""

# What the user's shell may hold would bring another Spark, its settings or its arguments in.
_FOREIGN_VARIABLES = (
    "SPARK_HOME",
    "SPARK_CONF_DIR",
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
    heap: str = "2g"
    shuffle_partitions: int = 8
    scratch: Path | None = None
    """Where the scratch folder is made, by default where the system has such folders."""
    java_options: Sequence[str] = ()
    """More options of the JVM. `QUICK_START` is good for runs of up to a million events or so."""

    @property
    def is_local(self) -> bool:
        """Whether executors run in the driver's own JVM."""
        return self.master.startswith("local")


@contextlib.contextmanager
def open_session(config: SessionConfig) -> Iterator[SparkSession]:
    """Start Spark, and stop it when the block ends.

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
        gateway = _launch(config, Path(scratch))
        stack.callback(_end, gateway)
        yield _connect(config, gateway, stack)


def _launch(config: SessionConfig, scratch: Path) -> Any:
    """Start the JVM; its own output goes where its log goes."""
    config.log_file.parent.mkdir(parents=True, exist_ok=True)
    conf = SparkConf(loadDefaults=False)
    conf.setAll(list(settings(config, scratch).items()))
    with config.log_file.open("ab") as log, _environment(config):
        try:
            return launch_gateway(conf, _output_to(log))  # type: ignore[no-untyped-call]
        except (PySparkRuntimeError, OSError) as error:
            raise _cannot_start(config, error) from error


def _output_to(log: IO[bytes]) -> dict[str, Any]:
    # A session of its own: a Ctrl-C in the terminal is for this process to handle.
    return {"stdout": log, "stderr": subprocess.STDOUT, "start_new_session": True}


def _connect(config: SessionConfig, gateway: Any, stack: contextlib.ExitStack) -> SparkSession:
    try:
        context = SparkContext(gateway=gateway, conf=SparkConf(_jvm=gateway.jvm))
    except Exception as error:
        raise _cannot_start(config, error) from error
    spark = SparkSession(context)
    stack.callback(_stop, spark)
    return spark


def _cannot_start(config: SessionConfig, error: Exception) -> PartError:
    first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return PartError(f"Spark cannot start: {first}; its log is {config.log_file}")


def settings(config: SessionConfig, scratch: Path) -> dict[str, str]:
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
        "spark.sql.parquet.compression.codec": "zstd",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version": "2",
    }
    if config.is_local:
        chosen |= {"spark.driver.host": LOOPBACK, "spark.driver.bindAddress": LOOPBACK}
    elif jars:
        chosen["spark.jars"] = ",".join(jars)
    return {key: value for key, value in chosen.items() if value}


def local_url(path: Path) -> str:
    """Name a local path to Spark, which takes it as it stands: nothing is percent-encoded."""
    return f"file://{path.absolute()}"


def _java_options(config: SessionConfig, scratch: Path) -> str:
    options = [
        f"-Dlog4j2.configurationFile={LOG_SETTINGS.as_uri()}",
        f"-Dheadcount.log={config.log_file.absolute()}",
        f"-Djava.io.tmpdir={scratch}",
        *config.java_options,
    ]
    return " ".join(f'"{option}"' for option in options)


@contextlib.contextmanager
def _environment(config: SessionConfig) -> Iterator[None]:
    """Lend the launcher, which reads nothing else, the environment that it needs."""
    kept = dict(os.environ)
    for name in _FOREIGN_VARIABLES:
        os.environ.pop(name, None)
    os.environ["JAVA_HOME"] = str(config.java_home)
    if config.is_local:
        os.environ["SPARK_LOCAL_IP"] = LOOPBACK
    try:
        yield
    finally:
        _restore(kept)


def _restore(kept: Mapping[str, str]) -> None:
    for name in os.environ.keys() - kept.keys():
        del os.environ[name]
    os.environ.update(kept)


@contextlib.contextmanager
def _quiet_py4j() -> Iterator[None]:
    """Keep py4j from printing stack traces when a call is interrupted."""
    logger = logging.getLogger("py4j")
    silence, propagate = logging.NullHandler(), logger.propagate
    logger.addHandler(silence)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(silence)
        logger.propagate = propagate


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


def _stop(spark: SparkSession) -> None:
    # A JVM that died has no context left to stop; what made it die is told by whoever used it.
    with contextlib.suppress(Exception):
        spark.stop()


def _end(gateway: Any) -> None:
    """End the JVM, which takes the closed pipe for the end of its work."""
    with contextlib.suppress(Exception):
        gateway.shutdown()
    process: subprocess.Popen[bytes] = gateway.proc
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    # Without this a later session of the same process would talk to the JVM that is gone.
    SparkContext._gateway = None  # noqa: SLF001 - there is no public way
    SparkContext._jvm = None  # noqa: SLF001
