"""The JVM that Spark runs in: started for one command, quiet and alone, and gone with it.

It has its log and its scratch folder. It listens on loopback only when the master is local, asks no
network when it starts, is out of reach of the terminal's Ctrl-C, and ends with this process however
that ends, for it watches a pipe that closes then.

Nothing here imports Spark's Python part, so that the JVM can start while that is loaded.
"""

import contextlib
import functools
import importlib.util
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from headcount.errors import PartError
from headcount.stack.jvm.cds_archive import ClassData, Use
from headcount.stack.jvm.flags import LONG_WORK, QUICK_START
from headcount.stack.jvm.java import java_environ

LOOPBACK = "127.0.0.1"
LOG_SETTINGS = Path(__file__).with_name("log4j2.properties")
_LAUNCH = Path(__file__).with_name("launch.py")
_SCALA_VERSION = "2.13"  # of pyspark, whose own script says so
START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 10.0
WRITE_TIMEOUT_S = 120.0
"""Of a JVM that writes class data when it ends."""

# A socket's path may have 107 bytes (unix(7)), and pyspark's own names of sockets take 43.
_LONGEST_SOCKET_FOLDER = 60

_COLLECTOR = "-XX:+UseParallelGC"
"""Keeps the heap small, where G1 takes all there is; pauses harm nobody here."""

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
    class_data: ClassData | None = None
    """Makes the start quicker, where there is any."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Spark's own, which stand above what is set here."""

    @property
    def is_local(self) -> bool:
        """Whether executors run in the driver's own JVM."""
        return self.master.startswith("local")


def suited_to(events: int) -> tuple[str, ...]:
    """The JVM's options for so many events."""
    return QUICK_START if events <= FEW_EVENTS else LONG_WORK


@dataclass(frozen=True, slots=True)
class Address:
    """Where a JVM takes this process's calls."""

    port: int
    secret: str


@dataclass(frozen=True, slots=True)
class Jvm:
    """A JVM that has begun to start; `address` waits until it takes calls.

    PartError says why it does not.
    """

    config: SessionConfig
    address: Callable[[], Address]


@contextlib.contextmanager
def begun_jvm(config: SessionConfig) -> Iterator[Jvm]:
    """Run a JVM until the block ends; other work can be done while it starts."""
    with (
        tempfile.TemporaryDirectory(
            prefix="headcount-spark-", dir=_scratch_root(config), ignore_cleanup_errors=True
        ) as scratch,
        _socket_folder(Path(scratch)) as sockets,
        _process(config, Path(scratch), sockets) as address,
    ):
        yield Jvm(config, address)


def _scratch_root(config: SessionConfig) -> str:
    """Say where the scratch folder is made: Spark takes a comma in its path for another folder."""
    wanted = str(config.scratch or tempfile.gettempdir())
    return "/tmp" if "," in wanted else wanted  # noqa: S108 - a folder is made there safely


@contextlib.contextmanager
def _process(
    config: SessionConfig, scratch: Path, sockets: Path
) -> Iterator[Callable[[], Address]]:
    """Run the process; its own output goes where its log goes."""
    gateway_file = scratch / "gateway"
    use = Use() if config.class_data is None else config.class_data.begin()
    config.log_file.parent.mkdir(parents=True, exist_ok=True)
    began = config.log_file.stat().st_size if config.log_file.exists() else 0
    with config.log_file.open("ab") as log:
        process = subprocess.Popen(
            _command(config, scratch, sockets, use.options),
            # The JVM ends when this pipe closes, which it does however this process ends.
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            # In a session of its own: a Ctrl-C in the terminal is for this process to handle.
            start_new_session=True,
            env=_environment(config, gateway_file),
        )
    is_done = False
    try:
        yield functools.partial(_awaited, config, process, gateway_file, began)
        is_done = True
    finally:
        if use.aside is not None and not is_done:
            process.kill()  # it would write what nobody wants any more
        _end(process, use if is_done else Use())
        use.finish(None)


def _spark_home() -> Path:
    """Tell where pyspark is, without loading it."""
    spec = importlib.util.find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise PartError("the Python package pyspark is not installed: install headcount again")
    return Path(spec.origin).parent


def class_path_files() -> list[Path]:
    """Name what Spark's own class path comes from: its jars, and what puts them in order."""
    return [_LAUNCH, *(_spark_home() / "jars").glob("*.jar")]


def _command(
    config: SessionConfig, scratch: Path, sockets: Path, class_data: Sequence[str]
) -> list[str]:
    java = config.java_home / "bin" / "java"
    command = [sys.executable, "-IS", str(_LAUNCH), str(_spark_home()), str(java)]
    for key, value in settings(config, scratch, sockets, class_data).items():
        command += ["--conf", f"{key}={value}"]
    return [*command, "pyspark-shell"]


def _environment(config: SessionConfig, gateway_file: Path) -> dict[str, str]:
    """Give the JVM this process's environment, without what would bring in another Spark."""
    kept = {name: value for name, value in os.environ.items() if name not in _FOREIGN_VARIABLES}
    kept |= {
        "JAVA_HOME": str(config.java_home),
        "SPARK_HOME": str(_spark_home()),
        "SPARK_SCALA_VERSION": _SCALA_VERSION,
        "SPARK_CONNECT_MODE": "0",
        "_PYSPARK_DRIVER_CONN_INFO_PATH": str(gateway_file),
    }
    if config.is_local:
        kept["SPARK_LOCAL_IP"] = LOOPBACK
    return java_environ(kept)


def _awaited(
    config: SessionConfig, process: subprocess.Popen[bytes], gateway_file: Path, began: int
) -> Address:
    """Wait until the JVM says where it listens."""
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while not gateway_file.exists():
        if process.poll() is not None:
            raise cannot_start(config, _first_complaint(config.log_file, began))
        if time.monotonic() > deadline_s:
            raise cannot_start(config, f"it was not ready after {START_TIMEOUT_S:g} s")
        time.sleep(0.05)
    # As pyspark.java_gateway reads it: the port, and the secret behind its length.
    content = gateway_file.read_bytes()
    return Address(int.from_bytes(content[:4]), content[8:].decode())


def _first_complaint(log_file: Path, began: int) -> str:
    """Give the first thing that a JVM complained of, which is why it ended."""
    with log_file.open("rb") as file:
        file.seek(began)
        lines = [line.strip() for line in file.read().decode(errors="replace").splitlines()]
    complaints = (line for line in lines if line and not line.startswith(("WARNING", "Picked up")))
    return next(complaints, "it ended without a word")


def cannot_start(config: SessionConfig, why: str) -> PartError:
    """Say why Spark does not start."""
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


def settings(
    config: SessionConfig, scratch: Path, sockets: Path, class_data: Sequence[str] = ()
) -> dict[str, str]:
    """Give Spark's settings for a session; the options for class data are the driver's alone."""
    jars = [str(jar) for jar in config.connector_jars]
    chosen = {
        "spark.app.name": "headcount",
        "spark.master": config.master,
        "spark.driver.memory": config.heap,
        "spark.driver.extraJavaOptions": _java_options(config, scratch, class_data),
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
        "spark.python.daemon.module": "headcount_analysis.spark.daemon",
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


def _java_options(config: SessionConfig, scratch: Path, class_data: Sequence[str]) -> str:
    options = [
        f"-Dlog4j2.configurationFile={LOG_SETTINGS.as_uri()}",
        f"-Dheadcount.log={config.log_file.absolute()}",
        f"-Djava.io.tmpdir={scratch}",
        _COLLECTOR,
        *config.java_options,
        *class_data,
    ]
    return " ".join(map(_quoted, options))


def _quoted(option: str) -> str:
    """Write an option so that Spark's launcher reads one."""
    escaped = option.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _end(process: subprocess.Popen[bytes], use: Use) -> None:
    """End the JVM, which takes the closed pipe for the end of its work.

    It may write class data then, as `use` has it; without that it has no time for such things.
    """
    is_writing = use.aside is not None and process.poll() is None
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()
    with use.showing() if is_writing else contextlib.nullcontext():
        try:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(WRITE_TIMEOUT_S if is_writing else STOP_TIMEOUT_S)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            use.finish(process.returncode)
