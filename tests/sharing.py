"""A part that all processes of a test run share, such as a broker: the first process starts it.

The kernel manages the locks, and releases those of a killed process.
"""

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

POLL_S = 0.1
_TURN, _OWNER, _USERS, _ADDRESS = "turn", "owner", "users", "address"


@contextmanager
def shared(folder: Path, start: Callable[[], AbstractContextManager[str]]) -> Iterator[str]:
    """Yield the address of a part that every process with the same folder shares.

    The process that starts the part owns it. Leaving the block, the owner waits until no other
    process uses the part, and ends it. If the owner is killed, the next process starts another.
    """
    folder.mkdir(parents=True, exist_ok=True)
    address = folder / _ADDRESS
    with ExitStack() as last, ExitStack() as stack:
        with ExitStack() as turn:
            _lock(turn, folder / _TURN)
            if _lock(stack, folder / _OWNER, fcntl.LOCK_EX | fcntl.LOCK_NB):
                address.write_text(stack.enter_context(start()))
                stack.callback(_await_last, folder, last)
            else:
                _lock(stack, folder / _USERS, fcntl.LOCK_SH)
        yield address.read_text()


def _await_last(folder: Path, stack: ExitStack) -> None:
    """Wait until no process uses the part, and let none join while the stack is open."""
    while True:
        with ExitStack() as turn:
            _lock(turn, folder / _TURN)
            if _lock(stack, folder / _USERS, fcntl.LOCK_EX | fcntl.LOCK_NB):
                stack.push(turn.pop_all())
                return
        time.sleep(POLL_S)


def _lock(stack: ExitStack, path: Path, how: int = fcntl.LOCK_EX) -> bool:
    """Lock a file while the stack is open; return whether that was possible."""
    file = path.open("a")
    try:
        fcntl.flock(file, how)
    except BlockingIOError:
        file.close()
        return False
    stack.enter_context(file)
    return True
