"""Files that are whole or not there: written aside, forced to disk, then renamed."""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

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


def open_own(folder: Path, name: str) -> BinaryIO:
    """Open a regular file that stands in a folder itself, to read it. Raises OSError.

    Neither the folder nor the file may be a symbolic link: a folder that comes from elsewhere could
    name any file of this machine.
    """
    at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        # A named pipe without a writer would be waited for.
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
    """Tell whether `open_own` would open it."""
    try:
        open_own(folder, name).close()
    except OSError:
        return False
    return True


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
