"""A child process: one part of the stack, which never outlives its command."""

import contextlib
import functools
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import IO, Self

import psutil

from headcount.errors import PartError

PARENT_DEATH = Path(__file__).with_name("parent_death.py")
POLL_S = 0.05
# Time for processes left in a part's group, such as workers of a killed master, to end.
GROUP_GRACE_S = 2.0
TAIL_BYTES = 64 * 1024

# Lines that only locate an error in the code.
_FRAME = re.compile(r"\s+at \S|\s*\.\.\. \d+ more|\s+File \"|Traceback |\s+[\^~]+\s*$|\s{4,}\S")
_STAMP = re.compile(r"\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[,.\d]*( [+-]\d{4})?\]?(?: \[\d+\])? ")
# What a server logs about its end after the cause.
_CLOSING = re.compile(r"Shutting down|Worker failed to boot|Worker exiting")
_TELLING = re.compile(r"ERROR|FATAL|CRITICAL|Exception|Error\b|error:|does not start|Caused by")


class Process:
    """A child in a session of its own, so that Ctrl-C in the terminal reaches this process alone.

    Args:
        name: What the user calls it, such as `the broker`; error messages begin with it.
        argv: The program and its arguments.
        log_path: Where its stdout and stderr are appended.
        environ: Its whole environment.
        cwd: Its working folder; this process's own by default.
        keep_open: Open files that it holds as well, such as a lock that is to last as long as it.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str | os.PathLike[str]],
        *,
        log_path: Path,
        environ: Mapping[str, str],
        cwd: Path | None = None,
        keep_open: Sequence[IO[str]] = (),
    ) -> None:
        self.name = name
        self.log_path = log_path
        self._swept = False
        log_path.parent.mkdir(parents=True, exist_ok=True)
        self._log_start = log_path.stat().st_size if log_path.exists() else 0
        command = [sys.executable, "-I", "-S", str(PARENT_DEATH), str(os.getpid())]
        command += [os.fspath(each) for each in argv]
        descriptors = [file.fileno() for file in keep_open]
        start = functools.partial(_start, command, log_path, dict(environ), cwd, descriptors)
        future: Future[subprocess.Popen[bytes]] = Future()
        # The kernel watches the thread that starts the child, so a thread that lasts starts it.
        orders = _starter(os.getpid())
        try:
            orders.put((future, start))
            self._popen = future.result()
        except BaseException:
            # Interrupted before the child is known: nothing else could end it.
            future.add_done_callback(_terminate)
            raise

    @property
    def pid(self) -> int:
        """Its process id, which is its session's and group's as well."""
        return self._popen.pid

    def listens_on(self, port: int) -> bool:
        """Whether it, and nobody else, accepts connections on a port.

        A port that was found free may have been taken by another program, which answers there.
        """
        with contextlib.suppress(psutil.Error):
            for each in psutil.Process(self.pid).net_connections("tcp"):
                if each.status == psutil.CONN_LISTEN and each.laddr.port == port:
                    return True
        return False

    @property
    def returncode(self) -> int | None:
        """Its exit code, -N when signal N killed it, None while it runs."""
        code = self._popen.poll()
        if code is not None:
            self._sweep()
        return code

    def poll_or_raise(self) -> None:
        """Return if it runs.

        Raises:
            PartError: It is over; names the exit code, the last telling lines and the log.
        """
        code = self.returncode
        if code is not None:
            raise PartError(
                f"{self.name} {_ending(code)}: {self.last_words} (log: {self.log_path})"
            )

    @property
    def last_words(self) -> str:
        """The last lines of its log that tell most about its end."""
        return " / ".join(telling_lines(self.log_path, self._log_start)) or "its log is empty"

    def wait(self, deadline_s: float) -> int:
        """Wait for its end by itself, and return its exit code.

        Raises:
            PartError: It still runs after `deadline_s`.
        """
        wait_until(lambda: self.returncode is not None, deadline_s, f"{self.name} is done")
        return self.stop()

    def stop(self, timeout_s: float = 15.0) -> int:
        """End it: SIGTERM, and SIGKILL to the group when that does not help in time. Idempotent.

        Returns:
            Its exit code.
        """
        if self._popen.poll() is None:
            self._popen.terminate()
            try:
                self._popen.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self._signal_group(signal.SIGKILL)
        code = self._popen.wait()
        self._sweep()
        return code

    def kill(self) -> None:
        """End it and its group at once with SIGKILL, as a crash would. Idempotent."""
        if self._popen.poll() is None:
            self._signal_group(signal.SIGKILL)
        self._popen.wait()
        self._sweep()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _sweep(self) -> None:
        """End what is left of the group, once, right after the leader is reaped.

        Later its id could belong to someone else.
        """
        if self._swept:
            return
        self._swept = True
        deadline_s = time.monotonic() + GROUP_GRACE_S
        alive = self._signal_group(signal.SIGTERM)
        while alive and time.monotonic() < deadline_s:
            time.sleep(POLL_S)
            alive = self._signal_group(0)
        if alive:
            self._signal_group(signal.SIGKILL)

    def _signal_group(self, number: int) -> bool:
        """Send a signal to the group; False when nobody is in it."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._popen.pid, number)
            return True
        return False


_Order = tuple[Future[subprocess.Popen[bytes]], Callable[[], subprocess.Popen[bytes]]]


@functools.cache
def _starter(_owner: int) -> "SimpleQueue[_Order]":
    """Create the thread that starts all children of the process `_owner`; forks need their own.

    Not an executor: if Ctrl-C interrupts its creation, its thread hangs and blocks the exit.
    """
    orders: SimpleQueue[_Order] = SimpleQueue()
    threading.Thread(target=_serve, args=(orders,), name="process-starter", daemon=True).start()
    return orders


def _serve(orders: "SimpleQueue[_Order]") -> None:
    while True:
        future, start = orders.get()
        try:
            future.set_result(start())
        except Exception as error:  # noqa: BLE001 - it is raised where the order came from
            future.set_exception(error)


def _terminate(future: Future[subprocess.Popen[bytes]]) -> None:
    if not future.cancelled() and future.exception() is None:
        future.result().terminate()


def _start(
    command: list[str],
    log_path: Path,
    environ: dict[str, str],
    cwd: Path | None,
    keep_open: list[int],
) -> subprocess.Popen[bytes]:
    with log_path.open("ab") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environ,
            cwd=cwd,
            start_new_session=True,
            pass_fds=keep_open,
        )


def _ending(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    with contextlib.suppress(ValueError):
        return f"was killed by {signal.Signals(-code).name}"
    return f"was killed by signal {-code}"


def telling_lines(log_path: Path, start: int = 0, limit: int = 2) -> list[str]:
    """The last lines of a log, from byte `start` on, that tell most about an early end."""
    try:
        with log_path.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(start, end - TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    lines = [line for line in text.splitlines() if line.strip() and not _FRAME.match(line)]
    causes = [line for line in lines if not _CLOSING.search(line)]
    chosen = [line for line in causes if _TELLING.search(line)] or causes or lines
    return [_STAMP.sub("", line).strip()[:300] for line in chosen[-limit:]]


def wait_until(
    predicate: Callable[[], bool],
    deadline_s: float,
    what: str,
    process: Process | None = None,
    interval_s: float = POLL_S,
) -> None:
    """Return as soon as `predicate` holds.

    Args:
        predicate: Called every `interval_s`.
        deadline_s: Seconds from now until the time-out.
        what: The condition in words, such as `the broker answers`.
        process: The part whose early death ends the wait.
        interval_s: The pause between two calls.

    Raises:
        PartError: The wait timed out, or the process died.
    """
    end_s = time.monotonic() + deadline_s
    while True:
        if process is not None:
            process.poll_or_raise()
        if predicate():
            return
        if time.monotonic() >= end_s:
            log = f" (log: {process.log_path})" if process is not None else ""
            raise PartError(f"timed out after {deadline_s:g} s waiting until {what}{log}")
        time.sleep(interval_s)
