"""The run lock: a process waits while another judges the run, but not for a dead one."""

import errno
import fcntl
import gc
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from headcount.cli.verifying.run_lock import run_lock
from headcount.console import Console
from headcount.run.folder import RunFolder
from headcount.stack.process import wait_until
from tests.headcount.test_console import Screen

DEADLINE_S = 30.0
HOLD = """
import sys, time
from pathlib import Path
from headcount.cli.verifying.run_lock import run_lock
from headcount.console import Console
from headcount.run.folder import RunFolder

with run_lock(RunFolder(Path(sys.argv[1])), Console()):
    print("has it", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A run's folder."""
    folder = RunFolder(tmp_path / "run-1")
    folder.create()
    return folder


def test_the_second_waits_for_the_first(folder: RunFolder) -> None:
    """It prints that, and goes on when the first is done; no file stays in the folder."""
    screen, done = Screen(), []

    def second() -> None:
        with run_lock(folder, screen.console):
            done.append("second")

    with ThreadPoolExecutor(1) as pool:
        with run_lock(folder, Console(quiet=True)):
            waiting = pool.submit(second)
            wait_until(lambda: "is judging run-1" in screen.err.getvalue(), DEADLINE_S, "it waits")
            done.append("first")
        waiting.result(DEADLINE_S)
    assert done == ["first", "second"]
    assert screen.lines() == ["Waiting for another process that is judging run-1 ... done in T s"]
    assert [path.name for path in folder.path.iterdir()] == ["logs"]


def test_a_dead_process_holds_no_lock(folder: RunFolder) -> None:
    """A lock ends with its process."""
    command = [sys.executable, "-c", HOLD, str(folder.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "has it\n"
        holder.send_signal(signal.SIGKILL)
    screen = Screen()
    with run_lock(folder, screen.console):
        assert screen.lines() == []


@pytest.mark.parametrize("number", [errno.EBADF, errno.ENOLCK])
def test_a_file_system_without_locks(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """A remark says that there is no lock, and the judgement goes on."""
    monkeypatch.setattr(fcntl, "flock", refusing(number))
    screen = Screen()
    with run_lock(folder, screen.console):
        pass
    (line,) = screen.lines()
    assert line.startswith("The run's folder cannot be locked")


def test_another_error_is_an_error(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not count as a lock, and the folder is closed."""
    monkeypatch.setattr(fcntl, "flock", refusing(errno.EIO))
    gc.collect()  # what others have left open
    before = psutil.Process().num_fds()
    with pytest.raises(OSError, match="refused"), run_lock(folder, Console(quiet=True)):
        pass
    assert psutil.Process().num_fds() == before


def refusing(number: int) -> object:
    """Return a `flock` that fails."""

    def flock(*_: int) -> None:
        raise OSError(number, "refused")

    return flock
