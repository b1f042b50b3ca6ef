"""A turn: of all processes that judge a run, or follow it until they do, one at a time goes on.

Each writes the same files, and takes away what following has left.
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
"""How file systems say that a folder cannot be locked; a network's says the first of these."""


@contextlib.contextmanager
def turn(folder: RunFolder, console: Console) -> Iterator[None]:
    """Wait for this process's turn, and keep it until the block ends, or the process does."""
    descriptor = os.open(folder.path, os.O_RDONLY)
    try:
        if not _is_taken(descriptor, console):
            with console.step(f"Waiting for another process that judges {folder.run_id}"):
                while not _is_taken(descriptor, console):
                    time.sleep(POLL_S)
        yield
    finally:
        os.close(descriptor)


def _is_taken(descriptor: int, console: Console) -> bool:
    """Try to take the turn. The lock is the folder's, and leaves no file."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        console.remark("The run's folder cannot be locked: let nothing else judge it meanwhile")
    return True
