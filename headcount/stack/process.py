"""A child process: one part of the stack, which never outlives its parent."""

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
# How long processes left in a part's group, such as workers of a killed master, may take to exit.
GROUP_GRACE_S = 2.0
TAIL_BYTES = 64 * 1024

# Stack trace lines, which only locate an error in the code.
_FRAME = re.compile(r"\s+at \S|\s*\.\.\. \d+ more|\s+File \"|Traceback |\s+[\^~]+\s*$|\s{4,}\S")
_STAMP = re.compile(r"\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[,.\d]*( [+-]\d{4})?\]?(?: \[\d+\])? ")
# Lines that a server logs about its shutdown, after the cause.
_CLOSING = re.compile(r"Shutting down|Worker failed to boot|Worker exiting")
_ERROR = re.compile(r"ERROR|FATAL|CRITICAL|Exception|Error\b|error:|does not start|Caused by")


class Process:
    """A child in a session of its own, so that Ctrl-C in the terminal does not reach it.

    Args:
        name: The part's name, such as `the broker`; error messages begin with it.
        argv: The program and its arguments.
        log_path: The file to which its stdout and stderr are appended.
        environ: Its whole environment.
        cwd: Its working folder; this process's own by default.
        keep_open: Open files that it inherits, such as a lock to hold until it exits.
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
        self._group_ended = False
        log_path.parent.mkdir(parents=True, exist_ok=True)
        self._log_start = log_path.stat().st_size if log_path.exists() else 0
        command = [sys.executable, "-I", "-S", str(PARENT_DEATH), str(os.getpid())]
        command += [os.fspath(argument) for argument in argv]
        descriptors = [file.fileno() for file in keep_open]
        start = functools.partial(_start, command, log_path, dict(environ), cwd, descriptors)
        future: Future[subprocess.Popen[bytes]] = Future()
        # The kernel signals the child when the thread that started it ends: use a lasting thread.
        requests = _start_requests(os.getpid())
        try:
            requests.put((future, start))
            self._popen = future.result()
        except BaseException:
            # Interrupted before the child is known: only this callback can end it.
            future.add_done_callback(_terminate)
            raise

    @property
    def pid(self) -> int:
        """The process id, which is also the id of its session and group."""
        return self._popen.pid

    def listens_on(self, port: int) -> bool:
        """Return whether this process itself listens on a port.

        A server that answers there may be another program that took the port first.
        """
        with contextlib.suppress(psutil.Error):
            for connection in psutil.Process(self.pid).net_connections("tcp"):
                if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port:
                    return True
        return False

    @property
    def returncode(self) -> int | None:
        """The exit code, -N if signal N killed the process, None while it runs."""
        code = self._popen.poll()
        if code is not None:
            self._end_group()
        return code

    def poll_or_raise(self) -> None:
        """Return if the process runs.

        Raises:
            PartError: The process has ended; names the exit code, the last error lines and the log.
        """
        code = self.returncode
        if code is not None:
            raise PartError(
                f"{self.name} {_exit_description(code)}: {self.log_summary} (log: {self.log_path})"
            )

    @property
    def log_summary(self) -> str:
        """The last lines of its log that explain why it ended."""
        return " / ".join(error_lines(self.log_path, self._log_start)) or "its log is empty"

    def wait(self, deadline_s: float) -> int:
        """Wait until the process exits by itself, and return its exit code.

        Raises:
            PartError: It still runs after `deadline_s`.
        """
        wait_until(lambda: self.returncode is not None, deadline_s, f"{self.name} is done")
        return self.stop()

    def stop(self, timeout_s: float = 15.0) -> int:
        """Send SIGTERM, and SIGKILL to the group if the process keeps running. Idempotent.

        Returns:
            The exit code.
        """
        if self._popen.poll() is None:
            self._popen.terminate()
            try:
                self._popen.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self._signal_group(signal.SIGKILL)
        code = self._popen.wait()
        self._end_group()
        return code

    def kill(self) -> None:
        """Kill the process and its group with SIGKILL, as a crash would. Idempotent."""
        if self._popen.poll() is None:
            self._signal_group(signal.SIGKILL)
        self._popen.wait()
        self._end_group()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _end_group(self) -> None:
        """End the rest of the process group, once, right after its leader is reaped.

        Later the kernel could reuse the group's id.
        """
        if self._group_ended:
            return
        self._group_ended = True
        deadline_s = time.monotonic() + GROUP_GRACE_S
        alive = self._signal_group(signal.SIGTERM)
        while alive and time.monotonic() < deadline_s:
            time.sleep(POLL_S)
            alive = self._signal_group(0)
        if alive:
            self._signal_group(signal.SIGKILL)

    def _signal_group(self, number: int) -> bool:
        """Send a signal to the group; return False if the group is empty."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._popen.pid, number)
            return True
        return False


_StartRequest = tuple[Future[subprocess.Popen[bytes]], Callable[[], subprocess.Popen[bytes]]]


@functools.cache
def _start_requests(_pid: int) -> "SimpleQueue[_StartRequest]":
    """Start the thread that starts all children of process `_pid`, and return its queue.

    A forked process needs a thread of its own. Not an executor: if Ctrl-C interrupts its creation,
    its thread hangs and blocks the exit.
    """
    requests: SimpleQueue[_StartRequest] = SimpleQueue()
    threading.Thread(target=_serve, args=(requests,), name="process-starter", daemon=True).start()
    return requests


def _serve(requests: "SimpleQueue[_StartRequest]") -> None:
    while True:
        future, start = requests.get()
        try:
            future.set_result(start())
        except Exception as error:  # noqa: BLE001 - the requesting thread raises it
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


def _exit_description(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    with contextlib.suppress(ValueError):
        return f"was killed by {signal.Signals(-code).name}"
    return f"was killed by signal {-code}"


def error_lines(log_path: Path, start: int = 0, limit: int = 2) -> list[str]:
    """Return the last lines of a log, from byte `start` on, that best explain a failure."""
    try:
        with log_path.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(start, end - TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    lines = [line for line in text.splitlines() if line.strip() and not _FRAME.match(line)]
    causes = [line for line in lines if not _CLOSING.search(line)]
    chosen = [line for line in causes if _ERROR.search(line)] or causes or lines
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
        process: A process whose early end also ends the wait.
        interval_s: The pause between two calls.

    Raises:
        PartError: The wait timed out, or the process ended.
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
