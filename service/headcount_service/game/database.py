"""The database: how it is reached, and what a transaction on it promises.

SQLite by default, in WAL mode: readers do not wait for the writer, and a process that is killed
loses nothing that it has committed. PostgreSQL by URL, for more than one host.
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
from headcount_service.game.ownership import Ownership
from headcount_service.settings import Settings

TRIES = 3
WRITER_POLL_MS = 3
# Not what a statement is wrong about: that is a mistake of ours, and no promise follows from it.
_UNREACHABLE = (OperationalError, InterfaceError, InternalError, NoConnectionError)

_Result = TypeVar("_Result")


class StateDatabase:
    """Connections to the game's state; made before the fork, it connects when it is first used."""

    def __init__(self, settings: Settings) -> None:
        self.engine = make_engine(settings)
        self.ownership = Ownership(self.engine)
        self._is_sqlite = self.engine.dialect.name == "sqlite"
        # SQLite has one writer, and lets the others ask again and again: better to queue here.
        self._writer = threading.Lock() if self._is_sqlite else nullcontext()

    def change(self, work: Callable[[Connection], _Result]) -> _Result:
        """Do some work in a transaction, all of it or nothing.

        It is done anew when another transaction was first to make the same row.

        Raises:
            NotPublished: The database could not be asked; nothing was changed.
            OutcomeUnknown: It may have been changed: the commit was not confirmed.
            Exception: what `work` raises; nothing was changed.
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
                with suppress(SQLAlchemyError):  # a connection that broke has nothing to undo
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
        """Read in a transaction of its own.

        Raises:
            NotPublished: The database could not be asked.
        """
        with _connection(self.engine) as connection, _unreachable():
            connection.execution_options(headcount_reads=True)
            with connection.begin():
                return work(connection)

    def close(self) -> None:
        """Let go of every connection, and of what this process owns."""
        self.ownership.close()
        self.engine.dispose()


def make_engine(settings: Settings) -> Engine:
    """An engine for the settings' database, not yet connected."""
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
    # SQLAlchemy begins the transactions: the driver of old begins them late, and as readers.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")  # a commit outlives the process, not the machine
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(wait_s: float, connection: Connection) -> None:
    """Begin; who is going to write says so at once, for a reader that turns writer is refused.

    SQLite itself asks for the writer's place at ever longer intervals, up to 100 ms, in which it is
    vacant: here it is asked for every few ms.
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
    """Turn what a database says when it cannot be asked into a promise that nothing has changed."""
    try:
        yield
    except _UNREACHABLE as error:
        raise NotPublished("The database cannot be reached.") from error
