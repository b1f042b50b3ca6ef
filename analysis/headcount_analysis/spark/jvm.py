"""The JVM that Spark runs in: started for one command, and ended with it.

It has a log and a scratch folder of its own. With a local master it listens on loopback only, and
starts even if there is no network. A Ctrl-C in the terminal does not reach it. However this
process ends, the JVM ends with it: it watches a pipe that closes then.

Nothing here imports pyspark, so that the JVM can start while pyspark is being imported.
"""

import contextlib
import functools
import importlib.util
import os
import pwd
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from headcount.errors import PartError
from headcount.stack.jvm.cds_archive import Use
from headcount.stack.jvm.java import java_environ
from headcount_analysis.spark.config import LOOPBACK, SessionConfig, settings

_LAUNCH = Path(__file__).with_name("launch.py")
_SCALA_VERSION = "2.13"  # as in pyspark's own load-spark-env.sh
START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 10.0
ARCHIVE_TIMEOUT_S = 120.0
"""How long a JVM may take to end if it first writes class data."""

# A socket's path may have at most 107 bytes (unix(7)), and pyspark's socket names take 43.
_LONGEST_SOCKET_FOLDER = 60

# Variables of the user's shell that would select another Spark, or change settings or arguments.
_FOREIGN_VARIABLES = (
    "SPARK_CONF_DIR",
    "SPARK_LOCAL_DIRS",
    "SPARK_TESTING",
    "PYSPARK_SUBMIT_ARGS",
    "PYSPARK_GATEWAY_PORT",
    "PYSPARK_GATEWAY_SECRET",
)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a JVM accepts calls from this process."""

    port: int
    secret: str


@dataclass(frozen=True, slots=True)
class Jvm:
    """A JVM that has begun to start.

    `address` waits until it accepts calls, and raises PartError if it does not start.
    """

    config: SessionConfig
    address: Callable[[], Address]


@contextlib.contextmanager
def begun_jvm(config: SessionConfig) -> Iterator[Jvm]:
    """Run a JVM until the block ends; other work can go on while it starts."""
    with (
        tempfile.TemporaryDirectory(
            prefix="headcount-spark-", dir=_scratch_root(config), ignore_cleanup_errors=True
        ) as scratch,
        _socket_folder(Path(scratch)) as sockets,
        _process(config, Path(scratch), sockets) as address,
    ):
        yield Jvm(config, address)


def _scratch_root(config: SessionConfig) -> str:
    """Choose the parent of the scratch folder, without a comma: Spark splits paths at commas."""
    wanted = str(config.scratch or tempfile.gettempdir())
    return "/tmp" if "," in wanted else wanted  # noqa: S108 - a folder is made there safely


@contextlib.contextmanager
def _process(
    config: SessionConfig, scratch: Path, sockets: Path
) -> Iterator[Callable[[], Address]]:
    """Run the process; its output is appended to its log."""
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
            env=launch_environ(config, gateway_file),
        )
    is_done = False
    try:
        yield functools.partial(_wait_for_address, config, process, gateway_file, began)
        is_done = True
    finally:
        if use.temp_path is not None and not is_done:
            process.kill()  # otherwise it would write class data that is not used
        _end(process, use if is_done else Use())
        use.finish(None)


def _spark_home() -> Path:
    """Locate pyspark without importing it."""
    spec = importlib.util.find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise PartError("the Python package pyspark is not installed: install headcount again")
    return Path(spec.origin).parent


def class_path_files() -> list[Path]:
    """List the files that make up Spark's class path: its jars, and the script that orders them."""
    return [_LAUNCH, *(_spark_home() / "jars").glob("*.jar")]


def _command(
    config: SessionConfig, scratch: Path, sockets: Path, class_data: Sequence[str]
) -> list[str]:
    java = config.java_home / "bin" / "java"
    command = [sys.executable, "-IS", str(_LAUNCH), str(_spark_home()), str(java)]
    for key, value in settings(config, scratch, sockets, class_data).items():
        command += ["--conf", f"{key}={value}"]
    return [*command, "pyspark-shell"]


def launch_environ(config: SessionConfig, gateway_file: Path) -> dict[str, str]:
    """Copy this process's environment, without variables that select another Spark."""
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
    return java_environ(_with_user(kept))


def _with_user(environ: dict[str, str]) -> dict[str, str]:
    """Give the user a name if it has none, as with `docker run --user`: Spark requires one."""
    try:
        pwd.getpwuid(os.getuid())
    except KeyError:
        return {"SPARK_USER": str(os.getuid()), **environ}
    return environ


def _wait_for_address(
    config: SessionConfig, process: subprocess.Popen[bytes], gateway_file: Path, began: int
) -> Address:
    """Wait until the JVM has written its address."""
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while not gateway_file.exists():
        if process.poll() is not None:
            raise cannot_start(config, _first_error_line(config.log_file, began))
        if time.monotonic() > deadline_s:
            raise cannot_start(config, f"it was not ready after {START_TIMEOUT_S:g} s")
        time.sleep(0.05)
    # The format that pyspark.java_gateway reads: the port, then the secret after its length.
    content = gateway_file.read_bytes()
    return Address(int.from_bytes(content[:4]), content[8:].decode())


def _first_error_line(log_file: Path, began: int) -> str:
    """Return the first line of a JVM's log that is not a warning: the reason why it ended."""
    with log_file.open("rb") as file:
        file.seek(began)
        lines = [line.strip() for line in file.read().decode(errors="replace").splitlines()]
    errors = (line for line in lines if line and not line.startswith(("WARNING", "Picked up")))
    return next(errors, "it ended without any output")


def cannot_start(config: SessionConfig, why: str) -> PartError:
    """Make the error for a Spark that does not start."""
    return PartError(f"Spark cannot start: {why}; its log is {config.log_file}")


@contextlib.contextmanager
def _socket_folder(scratch: Path) -> Iterator[Path]:
    """Yield a folder with a path short enough for a Unix socket in it."""
    if len(os.fsencode(scratch)) <= _LONGEST_SOCKET_FOLDER:
        yield scratch
        return
    with tempfile.TemporaryDirectory(prefix="headcount-", dir="/tmp") as folder:
        yield Path(folder)


def _end(process: subprocess.Popen[bytes], use: Use) -> None:
    """End the JVM by closing its pipe; it is killed if that takes too long.

    If `use` makes it write class data before it ends, it gets the time for that.
    """
    is_writing = use.temp_path is not None and process.poll() is None
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()
    with use.write_step() if is_writing else contextlib.nullcontext():
        try:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(ARCHIVE_TIMEOUT_S if is_writing else STOP_TIMEOUT_S)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            use.finish(process.returncode)
