"""The parts that benchmarks start: a broker, and programs that are watched while they run.

Whatever is started here ends with the block or the call that started it.
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
from headcount.cli.spark_config import class_data
from headcount.console import Console
from headcount.errors import PartError
from headcount.stack.broker import Broker
from headcount.stack.process import Process

ROOT = Path(__file__).parents[1]
SAMPLE_EVERY_S = 0.05
TOPIC = "events"
MOST_WARM_UPS = 3


@dataclass(frozen=True, slots=True)
class Stage:
    """What a benchmark has to work with: the platform, a broker, and a folder that goes away."""

    ready: Platform
    broker: Broker
    folder: Path

    @property
    def console(self) -> Console:
        """Where progress is told."""
        return self.ready.console

    def start(self, name: str, *arguments: str) -> Process:
        """Start a Python program in a process of its own, from the project's folder."""
        return Process(
            name,
            [sys.executable, *arguments],
            log_path=self.folder / "logs" / f"{name.replace(' ', '-')}.log",
            environ=self.ready.environ,
            cwd=ROOT,
        )


@dataclass(frozen=True, slots=True)
class Watched:
    """A program that is over: how long it took, and the most memory that it held.

    `peak_mib` is the largest sum, over samples, of the resident memory of it and its children.
    """

    seconds: float
    cpu_seconds: float
    peak_mib: float
    exit_code: int


@contextlib.contextmanager
def stage(folder: Path, console: Console) -> Iterator[Stage]:
    """Start a broker for the block."""
    ready = platform(dict(os.environ), console)
    with start_broker(ready, folder / "broker") as broker:
        yield Stage(ready, broker, folder)


def versions(ready: Platform) -> dict[str, str]:
    """Name the versions of Java and of the broker."""
    found = (re.fullmatch(r"kafka-clients-(.+)\.jar", jar.name) for jar in ready.broker_jars)
    return {"java": str(ready.java.version), "kafka": next(each[1] for each in found if each)}


def warm_up(stage: Stage, judged: Callable[[], object]) -> None:
    """Judge without counting it: once, and until what Spark's JVM keeps of its classes is there."""
    for _ in range(MOST_WARM_UPS):
        with stage.console.step("A round that does not count"):
            judged()
        if class_data(stage.ready, stage.ready.connector_jars).archive.exists():
            return


def finished(process: Process, deadline_s: float) -> None:
    """Wait until a program is done. PartError if it fails or takes too long."""
    with process:
        if process.wait(deadline_s) != 0:
            process.poll_or_raise()


def last_line(process: Process) -> str:
    """Give what a program that is over said last."""
    return process.log_path.read_text(encoding="utf-8").strip().splitlines()[-1]


def watched(process: Process, deadline_s: float, allowed: Sequence[int] = (0,)) -> Watched:
    """Watch a program until it is done. PartError for an exit code that is not allowed."""
    started_s = time.monotonic()
    peak_bytes, cpu_seconds = 0, 0.0
    with process:
        while process.returncode is None:
            if time.monotonic() - started_s > deadline_s:
                raise PartError(f"{process.name} is not done after {deadline_s:g} s")
            resident, busy = usage(process.pid)
            peak_bytes, cpu_seconds = max(peak_bytes, resident), max(cpu_seconds, busy)
            time.sleep(SAMPLE_EVERY_S)
        seconds = time.monotonic() - started_s
        code = process.stop()
        if code not in allowed:
            process.poll_or_raise()
    return Watched(seconds, cpu_seconds, peak_bytes / 2**20, code)


def usage(pid: int) -> tuple[int, float]:
    """Sum up the resident bytes and the processor seconds of a process and those below it."""
    resident, busy = 0, 0.0
    with contextlib.suppress(psutil.NoSuchProcess):
        leader = psutil.Process(pid)
        for each in (leader, *leader.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                resident += each.memory_info().rss
                times = each.cpu_times()
                busy += times.user + times.system
    return resident, busy


def pin(pid: int, core: int) -> None:
    """Keep all threads of a process on one core; what they start later stays there, too."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for thread in psutil.Process(pid).threads():
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(thread.id, {core})


def two_cores() -> tuple[int, int] | None:
    """Name a core for the generator and one for the rest; None where they cannot be kept apart."""
    if not hasattr(os, "sched_getaffinity"):
        return None
    cores = sorted(os.sched_getaffinity(0))
    return (cores[0], cores[1]) if len(cores) > 1 else None
