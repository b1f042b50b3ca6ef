"""The process: it ends when it is told to, and when nobody is left to tell it."""

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
from headcount.stack.process import Process, telling_lines, wait_until
from tests.processes import is_alive

STUBBORN = (
    "import signal, time\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "print('ready', flush=True)\n"
    "time.sleep(60)\n"
)


def python(program: str, tmp_path: Path, environ: dict[str, str]) -> Process:
    """A part that is a piece of Python."""
    return Process(
        "the part",
        [sys.executable, "-u", "-c", program],
        log_path=tmp_path / "logs" / "part.log",
        environ=environ,
    )


def said(process: Process, text: str) -> Callable[[], bool]:
    """Whether the process's log holds `text`."""
    return lambda: text in process.log_path.read_text()


def test_stop_ends_and_reaps(tmp_path: Path, environ: dict[str, str]) -> None:
    """SIGTERM is enough for a part that heeds it, and a second stop changes nothing."""
    process = python("import time; time.sleep(60)", tmp_path, environ)
    assert process.returncode is None
    assert process.stop() == -signal.SIGTERM
    assert process.stop() == process.returncode == -signal.SIGTERM
    assert not psutil.pid_exists(process.pid)


def test_stop_kills_what_does_not_heed(tmp_path: Path, environ: dict[str, str]) -> None:
    """A part that ignores SIGTERM is killed when its time is over."""
    with python(STUBBORN, tmp_path, environ) as process:
        wait_until(said(process, "ready"), 60, "the part is ready", process)
        assert process.stop(timeout_s=0.2) == -signal.SIGKILL


def test_stop_ends_the_parts_own_children(tmp_path: Path, environ: dict[str, str]) -> None:
    """What a part started is ended with it, even when the part itself forgets it."""
    program = (
        "import subprocess, sys\n"
        f"child = subprocess.Popen([sys.executable, '-u', '-c', {STUBBORN!r}])\n"
        "sys.stdout.write(f'child {child.pid}.\\n')\n"  # in one piece: the child writes, too
        "child.wait()\n"
    )
    with python(program, tmp_path, environ) as process:
        wait_until(said(process, "ready"), 60, "the child is ready", process)
        wait_until(said(process, ".\n"), 60, "the child is told", process)
        found = re.search(r"child (\d+)\.", process.log_path.read_text())
        assert found is not None
        child = psutil.Process(int(found[1]))
        process.stop()
    wait_until(lambda: not is_alive(child), 60, "the child has ended")


def test_a_part_has_a_session_of_its_own(tmp_path: Path, environ: dict[str, str]) -> None:
    """Ctrl-C in the terminal goes to the terminal's session, which the part is not in."""
    with python("import time; time.sleep(60)", tmp_path, environ) as process:
        assert os.getsid(process.pid) == os.getpgid(process.pid) == process.pid


@pytest.mark.skipif(sys.platform != "linux", reason="Linux signals a child when its parent dies")
def test_a_part_dies_with_the_command(tmp_path: Path, environ: dict[str, str]) -> None:
    """A command that is killed with SIGKILL, and so can do nothing, leaves no part behind."""
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
    """A child is tied to the command, not to the thread of it that started the child."""
    made: list[Process] = []

    def start() -> None:
        made.append(python("import time; print('ready'); time.sleep(60)", tmp_path, environ))
        # The thread lives until the child has asked for the signal.
        wait_until(said(made[0], "ready"), 60, "the part is ready", made[0])

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    with made[0] as process:
        time.sleep(0.3)  # longer than the kernel would need to end it
        process.poll_or_raise()


def test_early_death_is_told_with_its_reason(tmp_path: Path, environ: dict[str, str]) -> None:
    """A part that died is named with its exit code, what it said last, and where the rest is."""
    program = "import sys; print('hello'); raise ValueError('no such topic')"
    with python(program, tmp_path, environ) as process, pytest.raises(PartError) as caught:
        wait_until(lambda: False, 60, "it is ready", process)
    assert str(caught.value) == (
        "the part ended with exit code 1: ValueError: no such topic "
        f"(log: {tmp_path}/logs/part.log)"
    )


def test_death_by_signal_is_told_by_name(tmp_path: Path, environ: dict[str, str]) -> None:
    """A part that was killed is said to be, and by which signal."""
    with python("import time; time.sleep(60)", tmp_path, environ) as process:
        process.kill()
        with pytest.raises(PartError, match="the part was killed by SIGKILL"):
            process.poll_or_raise()


def test_a_program_that_is_not_there_is_told(tmp_path: Path, environ: dict[str, str]) -> None:
    """A program that cannot be started is an early death with that reason."""
    with (
        Process("it", ["/no/such"], log_path=tmp_path / "x.log", environ=environ) as process,
        pytest.raises(PartError, match="/no/such does not start: No such file"),
    ):
        wait_until(lambda: False, 60, "it is ready", process)


def test_what_an_earlier_part_said_is_not_quoted(tmp_path: Path, environ: dict[str, str]) -> None:
    """A log that is continued keeps its past, but the error is told from this part's lines."""
    log = tmp_path / "logs" / "part.log"
    log.parent.mkdir()
    log.write_text("ERROR of yesterday\n")
    with (
        python("raise SystemExit('ERROR of today')", tmp_path, environ) as process,
        pytest.raises(PartError, match="exit code 1: ERROR of today "),
    ):
        wait_until(lambda: False, 60, "it is ready", process)
    assert log.read_text().startswith("ERROR of yesterday")


def test_a_wait_in_vain_ends(tmp_path: Path, environ: dict[str, str]) -> None:
    """A wait has an end, and then says what it waited for and where to look."""
    with (
        python("import time; time.sleep(60)", tmp_path, environ) as process,
        pytest.raises(PartError, match=r"timed out after 0.1 s waiting until it is ready \(log: "),
    ):
        wait_until(lambda: False, 0.1, "it is ready", process)


def test_telling_lines_pass_over_frames(tmp_path: Path) -> None:
    """Of a stack trace the messages are quoted, without their time stamps, and not the frames."""
    log = tmp_path / "x.log"
    log.write_text(
        "2026-01-02T03:04:05,678 ERROR Exiting Kafka due to fatal exception (Kafka$)\n"
        "java.lang.RuntimeException: node ID not found\n"
        "\tat kafka.Kafka.main(Kafka.scala)\n"
        "\t... 3 more\n"
        "goodbye\n"
    )
    assert telling_lines(log) == [
        "ERROR Exiting Kafka due to fatal exception (Kafka$)",
        "java.lang.RuntimeException: node ID not found",
    ]
    assert telling_lines(tmp_path / "none.log") == []


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


def test_an_interrupt_at_the_first_start_is_no_hang(tmp_path: Path) -> None:
    """Ctrl-C while the thread that starts children is being made ends the command all the same."""
    command = [sys.executable, "-c", INTERRUPTED_AT_FIRST, str(tmp_path / "log")]
    done = subprocess.run(command, timeout=120, check=False)

    assert done.returncode == 130
