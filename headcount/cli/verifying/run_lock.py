"""The run lock: only one process at a time follows or judges a run.

Every such process writes the same files, and removes those that a follower left.
"""

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Iterator

from headcount.console import Console
from headcount.run.folder import RunFolder

POLL_S = 0.2
_NO_LOCKS = frozenset({errno.EBADF, errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP})
"""Errors of file systems that cannot lock a folder; network file systems raise the first."""


@contextlib.contextmanager
def run_lock(folder: RunFolder, console: Console) -> Iterator[None]:
    """Wait for the lock, and hold it until the block or the process ends."""
    descriptor = os.open(folder.path, os.O_RDONLY)
    try:
        if not _try_lock(descriptor, console):
            with console.step(f"Waiting for another process that is judging {folder.run_id}"):
                while not _try_lock(descriptor, console):
                    time.sleep(POLL_S)
        yield
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int, console: Console) -> bool:
    """Return whether this process holds the lock now. Locks the folder, so no file is left."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        console.remark(
            "The run's folder cannot be locked: do not judge the run in another process until this "
            "one ends"
        )
    return True
