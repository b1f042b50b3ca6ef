"""Reads an SQLite file without changing it, even in a read-only folder.

To read a file in WAL mode, SQLite needs two more files: the log and its index. Both are missing
after the service has closed the database. SQLite then creates them, but cannot do so in a read-only
folder or mount. There, a file without a log is complete by itself, and a file with a log is copied,
together with the log, to a temporary folder.
"""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

_CANNOT_WRITE = {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}
_PRIMARY_CODE = 0xFF


@contextmanager
def readable_uri(file: Path) -> Iterator[str]:
    """Yield a URI by which SQLite can read a file, valid in the `with` block.

    Raises:
        sqlite3.Error: The file cannot be read or copied, or it was changed in the meantime.
    """
    uri, log = f"{file.as_uri()}?mode=ro", file.with_name(f"{file.name}-wal")
    if _can_be_read(uri):
        yield uri
    elif not _has_content(log):
        yield f"{uri}&immutable=1"
        if _has_content(log):
            raise _changed()
    else:
        with tempfile.TemporaryDirectory(prefix="headcount-database-") as folder:
            _copy(file, log, Path(folder))
            yield f"{(Path(folder) / file.name).as_uri()}?mode=ro"


def _can_be_read(uri: str) -> bool:
    """Return whether SQLite can create the files that it needs. Raises sqlite3.Error."""
    try:
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_schema").close()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & _PRIMARY_CODE not in _CANNOT_WRITE:
            raise
        return False
    return True


def _copy(file: Path, log: Path, folder: Path) -> None:
    """Copy a file and its log.

    The service may append to the log during the copy: SQLite then reads the copied log up to its
    last complete commit.
    """
    try:
        before = _version(file)
        for source in (file, log):
            shutil.copyfile(source, folder / source.name)
        after = _version(file)
    except OSError as error:
        raise sqlite3.OperationalError(f"the file cannot be copied: {error}") from error
    if before != after:
        # A checkpoint wrote the log into the file, and may then have begun the log anew.
        raise _changed()


def _version(file: Path) -> tuple[int, int]:
    status = file.stat()
    return status.st_size, status.st_mtime_ns


def _changed() -> sqlite3.OperationalError:
    return sqlite3.OperationalError("the file changed while it was being read; try again")


def _has_content(log: Path) -> bool:
    return log.is_file() and log.stat().st_size > 0
