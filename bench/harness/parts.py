"""Starts and watches the parts of a benchmark: a broker and programs.

Each part ends with the block or the call that started it.
"""

import contextlib
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from headcount.cli.local_stack import start_broker
from headcount.cli.platform import Platform, platform
from headcount.cli.verifying.spark_config import class_data
from headcount.console import Console
from headcount.errors import PartError
from headcount.stack.broker import Broker
from headcount.stack.process import Process
from headcount.stack.secure_listener import SecureListener, secure_listener

ROOT = Path(__file__).parents[2]
SAMPLE_EVERY_S = 0.05
TOPIC = "events"
MOST_WARM_UPS = 3


@dataclass(frozen=True, slots=True)
class Workbench:
    """The shared parts of every benchmark: the platform, a broker and a temporary folder.

    `secure` is another listener of the broker, with TLS and a login.
    """

    ready: Platform
    broker: Broker
    folder: Path
    secure: SecureListener

    @property
    def console(self) -> Console:
        """Where to report progress."""
        return self.ready.console

    def start(self, name: str, *arguments: str) -> Process:
        """Start a Python program as a process in the project's folder."""
        return Process(
            name,
            [sys.executable, *arguments],
            log_path=self.folder / "logs" / f"{name.replace(' ', '-')}.log",
            environ=self.ready.environ,
            cwd=ROOT,
        )


@dataclass(frozen=True, slots=True)
class ProcessUsage:
    """Time, CPU time and peak memory of a finished program.

    `peak_mib` is the resident memory of the program and all its descendants together, in the sample
    where it is largest.
    """

    seconds: float
    cpu_seconds: float
    peak_mib: float
    exit_code: int


@contextlib.contextmanager
def stage(folder: Path, console: Console) -> Iterator[Workbench]:
    """Run a broker for the block."""
    ready = platform(dict(os.environ), console)
    with (
        secure_listener() as secure,
        start_broker(ready, folder / "broker", secure) as broker,
    ):
        yield Workbench(ready, broker, folder, secure)


def versions(ready: Platform) -> dict[str, str]:
    """Versions of Java and of the broker."""
    matches = (re.fullmatch(r"kafka-clients-(.+)\.jar", jar.name) for jar in ready.broker_jars)
    return {"java": str(ready.java.version), "kafka": next(match[1] for match in matches if match)}


def warm_up(stage: Workbench, verify_run: Callable[[], object]) -> None:
    """Call `verify_run` without counting it, until the class data archive of Spark's JVM exists."""
    for _ in range(MOST_WARM_UPS):
        with stage.console.step("Warming up"):
            verify_run()
        if class_data(stage.ready, stage.ready.connector_jars).archive.exists():
            return


def finished(process: Process, deadline_s: float) -> None:
    """Wait for a program to end. Raises PartError if it fails or takes too long."""
    with process:
        if process.wait(deadline_s) != 0:
            process.poll_or_raise()


def last_line(process: Process) -> str:
    """The last line that a finished program printed."""
    return process.log_path.read_text(encoding="utf-8").strip().splitlines()[-1]


def watched(process: Process, deadline_s: float, allowed: Sequence[int] = (0,)) -> ProcessUsage:
    """Watch a program until it ends. Raises PartError for a disallowed exit code."""
    started_s = time.monotonic()
    peak_bytes, cpu_seconds = 0, 0.0
    with process:
        while process.returncode is None:
            if time.monotonic() - started_s > deadline_s:
                raise PartError(f"{process.name} did not finish within {deadline_s:g} s")
            resident, busy = usage(process.pid)
            peak_bytes, cpu_seconds = max(peak_bytes, resident), max(cpu_seconds, busy)
            time.sleep(SAMPLE_EVERY_S)
        seconds = time.monotonic() - started_s
        code = process.stop()
        if code not in allowed:
            process.poll_or_raise()
    return ProcessUsage(seconds, cpu_seconds, peak_bytes / 2**20, code)


def usage(pid: int) -> tuple[int, float]:
    """Resident bytes and CPU seconds of a process and its descendants."""
    resident, busy = 0, 0.0
    with contextlib.suppress(psutil.NoSuchProcess):
        leader = psutil.Process(pid)
        for process in (leader, *leader.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                resident += process.memory_info().rss
                times = process.cpu_times()
                busy += times.user + times.system
    return resident, busy


def pin(pid: int, core: int) -> None:
    """Pin all threads of a process to one core; threads started later inherit it."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for thread in psutil.Process(pid).threads():
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(thread.id, {core})


def two_cores() -> tuple[int, int] | None:
    """A core for the generator and one for the rest; None if they cannot be separated."""
    if not hasattr(os, "sched_getaffinity"):
        return None
    cores = sorted(os.sched_getaffinity(0))
    return (cores[0], cores[1]) if len(cores) > 1 else None
