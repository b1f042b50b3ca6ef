"""The database: connections, and transactions with a known outcome.

The default is SQLite in WAL mode: readers do not wait for the writer, and a killed process loses
nothing that it has committed. A URL selects PostgreSQL, for more than one host.
"""

import functools
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import (
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.exc import (
    TimeoutError as NoConnectionError,
)
from sqlalchemy.pool import QueuePool

from headcount_service.errors import NotPublished, OutcomeUnknown
from headcount_service.game.storage.ownership import Ownership
from headcount_service.settings import Settings

TRIES = 3
WRITER_POLL_MS = 3
# Errors in statements are left out: they are bugs in the service, and do not mean "unreachable".
_UNREACHABLE = (OperationalError, InterfaceError, InternalError, NoConnectionError)

_Result = TypeVar("_Result")


class StateDatabase:
    """Connections to the game's state; created before the fork, it connects at its first use."""

    def __init__(self, settings: Settings) -> None:
        self.engine = make_engine(settings)
        self.ownership = Ownership(self.engine)
        self._is_sqlite = self.engine.dialect.name == "sqlite"
        # SQLite allows one writer and makes the others poll, so this worker's threads queue here.
        self._writer = threading.Lock() if self._is_sqlite else nullcontext()

    def change(self, work: Callable[[Connection], _Result]) -> _Result:
        """Run `work` in a transaction, and commit it.

        If another transaction inserts the same row first, run it again.

        Raises:
            NotPublished: The database cannot be reached; nothing was changed.
            OutcomeUnknown: The database did not confirm the commit: it may have changed.
            Exception: Whatever `work` raises; nothing was changed.
        """
        for attempt in range(1, TRIES + 1):
            try:
                return self._change(work)
            except IntegrityError:
                if attempt == TRIES:
                    raise
        raise AssertionError

    def _change(self, work: Callable[[Connection], _Result]) -> _Result:
        with self._writer, _connection(self.engine) as connection:
            with _unreachable():
                transaction = connection.begin()
            try:
                with _unreachable():
                    result = work(connection)
            except BaseException:
                with suppress(SQLAlchemyError):  # a broken connection has nothing to roll back
                    transaction.rollback()
                raise
            try:
                transaction.commit()
            except IntegrityError:
                raise
            except SQLAlchemyError as error:
                raise OutcomeUnknown("The database has not confirmed the change.") from error
            return result

    def look(self, work: Callable[[Connection], _Result]) -> _Result:
        """Run `work`, which only reads, in a transaction.

        Raises:
            NotPublished: The database cannot be reached.
        """
        with _connection(self.engine) as connection, _unreachable():
            connection.execution_options(headcount_reads=True)
            with connection.begin():
                return work(connection)

    def close(self) -> None:
        """Close every connection, and release the lock of this process (see `Ownership`)."""
        self.ownership.close()
        self.engine.dispose()


def make_engine(settings: Settings) -> Engine:
    """Create an engine for the database in the settings; it connects at its first use."""
    url = make_url(settings.database_url)
    wait_s = settings.database_timeout_s
    if url.get_backend_name() == "sqlite":
        engine = create_engine(
            url,
            poolclass=QueuePool,
            pool_size=settings.threads,
            max_overflow=1,
            connect_args={"timeout": wait_s, "check_same_thread": False},
        )
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", functools.partial(_begin_sqlite, wait_s))
        return engine
    return create_engine(
        url,
        pool_size=settings.threads,
        max_overflow=1,
        pool_pre_ping=True,
        pool_timeout=wait_s,
        connect_args={"connect_timeout": max(2, round(wait_s))},
    )


def _configure_sqlite(connection: Any, _record: object) -> None:
    # Keep Python's driver from beginning transactions: it does so late, and without the write lock.
    # `_begin_sqlite` begins them instead.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    # Commits survive a crash of the process, but perhaps not one of the host.
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(wait_s: float, connection: Connection) -> None:
    """Begin a transaction; a writer declares itself, because SQLite may refuse to upgrade a reader.

    SQLite itself polls for the write lock at intervals that grow to 100 ms, so it may notice late
    that the lock is free. This function polls every few ms instead.
    """
    if connection.get_execution_options().get("headcount_reads", False):
        connection.exec_driver_sql("BEGIN")
        return
    deadline_s = time.monotonic() + wait_s
    connection.exec_driver_sql(f"PRAGMA busy_timeout = {WRITER_POLL_MS}")
    while True:
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            break
        except OperationalError as error:
            is_busy = getattr(error.orig, "sqlite_errorcode", 0) == sqlite3.SQLITE_BUSY
            if not is_busy or time.monotonic() > deadline_s:
                raise
    connection.exec_driver_sql(f"PRAGMA busy_timeout = {round(1000 * wait_s)}")


@contextmanager
def _connection(engine: Engine) -> Iterator[Connection]:
    with _unreachable():
        connection = engine.connect()
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def _unreachable() -> Iterator[None]:
    """Convert errors of an unreachable database to NotPublished: nothing has changed."""
    try:
        yield
    except _UNREACHABLE as error:
        raise NotPublished("The database cannot be reached.") from error
