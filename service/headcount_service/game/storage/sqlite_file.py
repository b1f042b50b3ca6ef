"""Reads an SQLite file without changing it, even in a read-only folder.

To read a file in WAL mode, SQLite needs two more files: the log and its index. It creates them if
they are missing, as they are once the service has closed the database; in a read-only folder or
mount it cannot. There, a file without a log is complete by itself, and a file with one is copied to
a temporary folder.
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
            raise sqlite3.OperationalError("the file changed while it was being read; try again")
    else:
        with tempfile.TemporaryDirectory(prefix="headcount-database-") as folder:
            _copy((file, log), Path(folder))
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


def _copy(files: Iterable[Path], folder: Path) -> None:
    try:
        for source in files:
            shutil.copyfile(source, folder / source.name)
    except OSError as error:
        raise sqlite3.OperationalError(f"the file cannot be copied: {error}") from error


def _has_content(log: Path) -> bool:
    return log.is_file() and log.stat().st_size > 0
