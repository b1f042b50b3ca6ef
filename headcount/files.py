"""Files: written atomically (temporary file, sync, rename), or opened without following links."""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_FOLDER_SYNC_UNSUPPORTED = frozenset({errno.EBADF, errno.EINVAL, errno.EOPNOTSUPP})
"""Errors of file systems that cannot sync a folder."""


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write a file that no reader ever sees half-written. Raises OSError."""
    with written_aside(path) as aside:
        aside.write_bytes(content.encode() if isinstance(content, str) else content)


@contextlib.contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Yield the path of a temporary file that replaces `path` at the end. Raises OSError.

    If the block fails, the temporary file is removed.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield aside
        force_to_disk(aside)
        aside.replace(path)
        force_to_disk(path.parent)
    finally:
        aside.unlink(missing_ok=True)


def open_own(folder: Path, name: str) -> BinaryIO:
    """Open a regular file directly in a folder, for reading. Raises OSError.

    Neither the folder nor the file may be a symbolic link: a folder from elsewhere could link to
    any file on this machine.
    """
    at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        # Without O_NONBLOCK, a named pipe without a writer would block.
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=at)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(error.errno, "it is a symbolic link, which is not followed") from None
        raise
    finally:
        os.close(at)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is not a regular file")
    return os.fdopen(descriptor, "rb")


def is_own(folder: Path, name: str) -> bool:
    """Return whether `open_own` would open the file."""
    try:
        open_own(folder, name).close()
    except OSError:
        return False
    return True


def force_to_disk(path: str | Path) -> None:
    """Sync a file's content, or a folder's entries, to disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _FOLDER_SYNC_UNSUPPORTED or not os.path.isdir(path):  # noqa: PTH112
            raise
    finally:
        os.close(descriptor)
