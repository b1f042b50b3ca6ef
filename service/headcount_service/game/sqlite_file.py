"""A SQLite file that is read, and not changed, also where nothing can be written beside it.

SQLite reads a file in WAL mode with the help of two others, its log and an index of that, which it
makes if they are missing, as they are once the service has closed the database. In a folder or on a
mount that is read-only it cannot. A file without a log is complete by itself there; one with a log
is copied to where SQLite can work.
"""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

_CANNOT_WRITE = {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}
_PRIMARY_CODE = 0xFF


@contextmanager
def readable_uri(file: Path) -> Iterator[str]:
    """Give the URI by which SQLite reads a file for the length of the block.

    Raises:
        sqlite3.Error: It cannot be read, or not copied.
    """
    uri, log = f"{file.as_uri()}?mode=ro", file.with_name(f"{file.name}-wal")
    if _can_be_read(uri):
        yield uri
    elif not _has_content(log):
        yield f"{uri}&immutable=1"
        if _has_content(log):
            raise sqlite3.OperationalError("it was changed while it was read; try again")
    else:
        with tempfile.TemporaryDirectory(prefix="headcount-database-") as folder:
            _copy((file, log), Path(folder))
            yield f"{(Path(folder) / file.name).as_uri()}?mode=ro"


def _can_be_read(uri: str) -> bool:
    """Tell whether SQLite can write what it needs beside the file. Raises sqlite3.Error."""
    try:
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_schema").close()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & _PRIMARY_CODE not in _CANNOT_WRITE:
            raise
        return False
    return True


def _copy(files: Iterable[Path], folder: Path) -> None:
    try:
        for source in files:
            shutil.copyfile(source, folder / source.name)
    except OSError as error:
        raise sqlite3.OperationalError(f"it cannot be copied: {error}") from error


def _has_content(log: Path) -> bool:
    return log.is_file() and log.stat().st_size > 0
