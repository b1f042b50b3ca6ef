"""The process: it ends on request, and when its parent dies."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from headcount.errors import PartError
from headcount.stack.process import Process, error_lines, wait_until
from tests.processes import is_alive

STUBBORN = (
    "import signal, time\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "print('ready', flush=True)\n"
    "time.sleep(60)\n"
)


def python(program: str, tmp_path: Path, environ: dict[str, str]) -> Process:
    """Start a Python program as a part."""
    return Process(
        "the part",
        [sys.executable, "-u", "-c", program],
        log_path=tmp_path / "logs" / "part.log",
        environ=environ,
    )


def logged(process: Process, text: str) -> Callable[[], bool]:
    """Return a function that checks whether the process's log contains `text`."""
    return lambda: text in process.log_path.read_text()


def test_stop_ends_and_reaps(tmp_path: Path, environ: dict[str, str]) -> None:
    """SIGTERM suffices for a part that reacts to it, and a second stop does nothing."""
    process = python("import time; time.sleep(60)", tmp_path, environ)
    assert process.returncode is None
    assert process.stop() == -signal.SIGTERM
    assert process.stop() == process.returncode == -signal.SIGTERM
    assert not psutil.pid_exists(process.pid)


def test_stop_kills_a_part_that_ignores_sigterm(tmp_path: Path, environ: dict[str, str]) -> None:
    """It is killed after the time-out."""
    with python(STUBBORN, tmp_path, environ) as process:
        wait_until(logged(process, "ready"), 60, "the part is ready", process)
        assert process.stop(timeout_s=0.2) == -signal.SIGKILL


def test_stop_ends_the_parts_own_children(tmp_path: Path, environ: dict[str, str]) -> None:
    """A part's children end with it, even if the part does not end them itself."""
    program = (
        "import subprocess, sys\n"
        f"child = subprocess.Popen([sys.executable, '-u', '-c', {STUBBORN!r}])\n"
        "sys.stdout.write(f'child {child.pid}.\\n')\n"  # in one write: the child writes, too
        "child.wait()\n"
    )
    with python(program, tmp_path, environ) as process:
        wait_until(logged(process, "ready"), 60, "the child is ready", process)
        wait_until(logged(process, ".\n"), 60, "the child is logged", process)
        match = re.search(r"child (\d+)\.", process.log_path.read_text())
        assert match is not None
        child = psutil.Process(int(match[1]))
        process.stop()
    wait_until(lambda: not is_alive(child), 60, "the child has ended")


def test_a_part_has_a_session_of_its_own(tmp_path: Path, environ: dict[str, str]) -> None:
    """Ctrl-C in the terminal reaches the terminal's session, to which the part does not belong."""
    with python("import time; time.sleep(60)", tmp_path, environ) as process:
        assert os.getsid(process.pid) == os.getpgid(process.pid) == process.pid


@pytest.mark.skipif(sys.platform != "linux", reason="Linux signals a child when its parent dies")
def test_a_part_dies_with_the_command(tmp_path: Path, environ: dict[str, str]) -> None:
    """A command that is killed with SIGKILL leaves no part behind."""
    program = (
        "import os, pathlib, time\n"
        "from headcount.stack.process import Process\n"
        f"log = pathlib.Path({str(tmp_path / 'part.log')!r})\n"
        "part = Process('p', ['sleep', '60'], log_path=log, environ=dict(os.environ))\n"
        "print(part.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environ
    ) as command:
        assert command.stdout is not None
        part = psutil.Process(int(command.stdout.readline()))
        wait_until(lambda: part.name() == "sleep", 60, "the part runs")
        command.kill()
    wait_until(lambda: not is_alive(part), 60, "the part has ended")


def test_a_part_outlives_the_thread_that_started_it(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    """A child ends with the command, not with the thread that started the child."""
    made: list[Process] = []

    def start() -> None:
        made.append(python("import time; print('ready'); time.sleep(60)", tmp_path, environ))
        # The thread lives until the child has requested the signal.
        wait_until(logged(made[0], "ready"), 60, "the part is ready", made[0])

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    with made[0] as process:
        time.sleep(0.3)  # longer than the kernel needs to end it
        process.poll_or_raise()


def test_the_error_of_an_early_end_has_its_reason(tmp_path: Path, environ: dict[str, str]) -> None:
    """The error names the part, its exit code, its last log lines and its log file."""
    program = "import sys; print('hello'); raise ValueError('no such topic')"
    with python(program, tmp_path, environ) as process, pytest.raises(PartError) as caught:
        wait_until(lambda: False, 60, "it is ready", process)
    assert str(caught.value) == (
        "the part ended with exit code 1: ValueError: no such topic "
        f"(log: {tmp_path}/logs/part.log)"
    )


def test_the_error_of_a_killed_part_names_the_signal(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    """The error says that the part was killed, and by which signal."""
    with python("import time; time.sleep(60)", tmp_path, environ) as process:
        process.kill()
        with pytest.raises(PartError, match="the part was killed by SIGKILL"):
            process.poll_or_raise()


def test_a_missing_program_is_an_error(tmp_path: Path, environ: dict[str, str]) -> None:
    """A program that cannot be started counts as an early end, with that reason."""
    with (
        Process("it", ["/no/such"], log_path=tmp_path / "x.log", environ=environ) as process,
        pytest.raises(PartError, match="/no/such does not start: No such file"),
    ):
        wait_until(lambda: False, 60, "it is ready", process)


def test_an_earlier_part_s_log_is_not_quoted(tmp_path: Path, environ: dict[str, str]) -> None:
    """The log keeps earlier lines, but the error quotes only those of this part."""
    log = tmp_path / "logs" / "part.log"
    log.parent.mkdir()
    log.write_text("ERROR of yesterday\n")
    with (
        python("raise SystemExit('ERROR of today')", tmp_path, environ) as process,
        pytest.raises(PartError, match="exit code 1: ERROR of today "),
    ):
        wait_until(lambda: False, 60, "it is ready", process)
    assert log.read_text().startswith("ERROR of yesterday")


def test_a_wait_times_out(tmp_path: Path, environ: dict[str, str]) -> None:
    """The error says what the wait was for, and names the log."""
    with (
        python("import time; time.sleep(60)", tmp_path, environ) as process,
        pytest.raises(PartError, match=r"timed out after 0.1 s waiting until it is ready \(log: "),
    ):
        wait_until(lambda: False, 0.1, "it is ready", process)


def test_error_lines_skip_stack_frames(tmp_path: Path) -> None:
    """Only the messages of a stack trace are quoted, without timestamps."""
    log = tmp_path / "x.log"
    log.write_text(
        "2026-01-02T03:04:05,678 ERROR Exiting Kafka due to fatal exception (Kafka$)\n"
        "java.lang.RuntimeException: node ID not found\n"
        "\tat kafka.Kafka.main(Kafka.scala)\n"
        "\t... 3 more\n"
        "goodbye\n"
    )
    assert error_lines(log) == [
        "ERROR Exiting Kafka due to fatal exception (Kafka$)",
        "java.lang.RuntimeException: node ID not found",
    ]
    assert error_lines(tmp_path / "none.log") == []


INTERRUPTED_AT_FIRST = """
import os, sys, threading
from pathlib import Path
from headcount.stack.process import Process

begin = threading.Thread.start

def interrupted(thread):
    threading.Thread.start = begin
    begin(thread)
    raise KeyboardInterrupt

threading.Thread.start = interrupted
try:
    Process("the part", ["true"], log_path=Path(sys.argv[1]), environ=dict(os.environ))
except KeyboardInterrupt:
    sys.exit(130)
"""


def test_an_interrupt_at_the_first_start_does_not_hang(tmp_path: Path) -> None:
    """Ctrl-C ends the command even while it creates the thread that starts children."""
    command = [sys.executable, "-c", INTERRUPTED_AT_FIRST, str(tmp_path / "log")]
    done = subprocess.run(command, timeout=120, check=False)

    assert done.returncode == 130
