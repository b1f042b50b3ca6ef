"""Files that are whole or not there: written aside, forced to disk, then renamed."""

import errno
import os
from pathlib import Path

_NOT_OF_FOLDERS = frozenset({errno.EBADF, errno.EINVAL, errno.EOPNOTSUPP})
"""How file systems say that a folder has nothing to be forced to disk."""


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write a file that a reader, or a later command, never meets half-written.

    Raises OSError; what was written aside is removed then.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    data = content.encode() if isinstance(content, str) else content
    try:
        with aside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
        force_to_disk(path.parent)
    finally:
        aside.unlink(missing_ok=True)


def force_to_disk(path: str | Path) -> None:
    """Have a file's content, or a folder's names, outlive the machine's power. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NOT_OF_FOLDERS or not os.path.isdir(path):  # noqa: PTH112
            raise
    finally:
        os.close(descriptor)
