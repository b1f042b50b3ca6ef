"""A shared part: one for all processes, ended after its last user, and never left behind."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import psutil
import pytest

from headcount.stack.process import wait_until
from tests.processes import is_alive
from tests.sharing import shared

DEADLINE_S = 60.0


class CountingPart:
    """Counts its starts and ends."""

    def __init__(self) -> None:
        self.started = self.ended = 0

    @contextmanager
    def __call__(self) -> Iterator[str]:
        """Start a part, with its number in its address."""
        self.started += 1
        yield f"part {self.started}"
        self.ended += 1


def test_the_first_starts_it_and_ends_it_after_the_last(tmp_path: Path) -> None:
    """The owner waits for a later user; the next process gets a new part."""
    part, leave = CountingPart(), Event()

    def own() -> None:
        with shared(tmp_path, part) as address:
            assert address == "part 1"
            leave.wait(DEADLINE_S)

    with ThreadPoolExecutor(1) as pool:
        owner = pool.submit(own)
        wait_until(lambda: part.started == 1, DEADLINE_S, "the part is started")
        with shared(tmp_path, part) as address:
            leave.set()
            assert (address, part.started) == ("part 1", 1)
            with pytest.raises(TimeoutError):
                owner.result(0.5)
            assert part.ended == 0
        owner.result(DEADLINE_S)
    assert part.ended == 1
    with shared(tmp_path, part) as address:
        assert address == "part 2"


def test_a_part_that_cannot_start(tmp_path: Path) -> None:
    """Only the owner gets the error; the next process tries again."""

    @contextmanager
    def broken() -> Iterator[str]:
        raise OSError("no room")
        yield ""

    with pytest.raises(OSError, match="no room"), shared(tmp_path, broken):
        pass
    with shared(tmp_path, CountingPart()) as address:
        assert address == "part 1"


OWNER = """
import contextlib, os, sys, time
from pathlib import Path
from headcount.stack.process import Process
from tests.sharing import shared

@contextlib.contextmanager
def start():
    log = Path(sys.argv[1]) / "log"
    with Process("a part", ["sleep", "600"], log_path=log, environ=dict(os.environ)) as process:
        yield str(process.pid)

with shared(Path(sys.argv[1]), start) as address:
    print(address, flush=True)
    time.sleep(600)
"""


def test_an_owner_that_is_killed(tmp_path: Path) -> None:
    """The part ends with its owner, and the next process starts another."""
    command = [sys.executable, "-c", OWNER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        part = psutil.Process(int(owner.stdout.readline()))
        owner.kill()
    wait_until(lambda: not is_alive(part), DEADLINE_S, "the part has exited")
    with shared(tmp_path, CountingPart()) as address:
        assert address == "part 1"
