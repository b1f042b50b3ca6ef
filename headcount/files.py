"""Files that are whole or not there: written aside, forced to disk, then renamed."""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

_NOT_OF_FOLDERS = frozenset({errno.EBADF, errno.EINVAL, errno.EOPNOTSUPP})
"""How file systems say that a folder has nothing to be forced to disk."""


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write a file that a reader, or a later command, never meets half-written. Raises OSError."""
    with written_aside(path) as aside:
        aside.write_bytes(content.encode() if isinstance(content, str) else content)


@contextlib.contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Name a file that takes the place of `path` when the block has written it. Raises OSError.

    Where the block fails, it is removed.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield aside
        force_to_disk(aside)
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
