"""Ownership: only the owner may publish an event while the owner's process lives.

The owner is the worker that created the event or has taken it over. A worker that is slow or
suspended can continue at any instruction, even right before it sends. So a time-out never allows
another worker to publish its events: only the end of its process does. To show that it lives, each
worker holds a lock that the system releases when the process ends. The owner's number says which
lock: with SQLite, a byte of a file beside the database; with PostgreSQL, an advisory lock of a
session. PostgreSQL also ends the session of a host that has vanished (docs/limits.md).
"""

import contextlib
import errno
import fcntl
import os
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, Engine, NullPool, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from headcount_service.errors import NotPublished

_OWNER_BITS = 62
_DEAD_AFTER = (
    "tcp_keepalives_idle = 10",
    "tcp_keepalives_interval = 5",
    "tcp_keepalives_count = 3",
)
"""With these settings (times in s), PostgreSQL ends the session of a host that has vanished."""


def _is_over_now() -> bool:
    return True


@dataclass(slots=True, eq=False)
class Sending:
    """An event that this process may still send, until `is_over`."""

    number: int
    is_over: Callable[[], bool] = lambda: False

    def end(self, is_over: Callable[[], bool] | None = None) -> None:
        """Say when this process can no longer send it: now, or once `is_over()` is true."""
        self.is_over = is_over or _is_over_now


class InFlight:
    """The events that this process may still send."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sending: set[Sending] = set()

    def begin(self, number: int) -> Sending:
        """Add an event."""
        sending = Sending(number)
        with self._lock:
            self._sending.add(sending)
        return sending

    def numbers(self) -> set[int]:
        """Return the numbers of the events that this process may still send."""
        with self._lock:
            self._sending = {sending for sending in self._sending if not sending.is_over()}
            return {sending.number for sending in self._sending}


class _Locks(Protocol):
    """The locks by which a worker shows that it lives, and checks whether others do."""

    def hold(self, owner: int) -> None:
        """Take the lock of `owner`, unless this worker has it. Raises NotPublished on failure."""

    def is_held(self) -> bool:
        """Return whether the lock is still held, or was never taken."""

    def is_gone(self, connection: Connection, owner: int) -> bool:
        """Return whether `owner`'s lock is free, because its process has ended."""

    def close(self) -> None:
        """Release the lock."""


class Ownership:
    """This process as an owner of events; `number` identifies it, and changes with a fork."""

    def __init__(self, engine: Engine) -> None:
        self.in_flight = InFlight()
        self._number = secrets.randbits(_OWNER_BITS)
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._locks: _Locks = (
            _FileLocks(engine.url.database)
            if engine.dialect.name == "sqlite"
            else _SessionLocks(engine)
        )

    @property
    def number(self) -> int:
        """The owner's number; takes its lock. Raises NotPublished if that is impossible."""
        with self._lock:
            if self._pid != os.getpid():  # created before the fork: each worker needs its own
                self._number, self._pid = secrets.randbits(_OWNER_BITS), os.getpid()
            self._locks.hold(self._number)
            return self._number

    def renew(self) -> None:
        """Check the lock; if it was lost, take one with a new number. Raises NotPublished."""
        with self._lock:
            if not self._locks.is_held():
                self._number = secrets.randbits(_OWNER_BITS)
        _ = self.number

    def is_gone(self, connection: Connection, owner: int | None) -> bool:
        """Return whether an owner's process has ended; call it in a writing transaction."""
        return owner is None or (owner != self._number and self._locks.is_gone(connection, owner))

    def close(self) -> None:
        """Release the lock."""
        self._locks.close()


class _FileLocks:
    """Locks on bytes of a file, which the kernel releases when their process ends.

    A process loses all its locks on a file when it closes any descriptor of that file. So each
    process opens a file once and never closes it.
    """

    _opened: dict[tuple[int, Path], int] = {}  # noqa: RUF012 - shared in the process
    _own: set[int] = set()  # noqa: RUF012 - a process's own locks do not block it

    def __init__(self, database: str | None) -> None:
        self._path = Path(f"{database}-workers").absolute()
        self._owner: int | None = None

    def hold(self, owner: int) -> None:
        """Lock the owner's byte."""
        if self._owner == owner:
            return
        try:
            fcntl.lockf(self._file(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, owner)
        except OSError as error:
            raise NotPublished(f"The file {self._path} cannot be locked.") from error
        self._own.add(owner)
        self._owner = owner

    def is_held(self) -> bool:
        """Return True: the lock lasts until `close` or the end of the process."""
        return True

    def is_gone(self, _connection: Connection, owner: int) -> bool:
        """Return whether the owner's byte can be locked."""
        if owner in self._own:
            return False
        try:
            fcntl.lockf(self._file(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, owner)
        except OSError as error:
            if error.errno in {errno.EACCES, errno.EAGAIN}:
                return False
            raise NotPublished(f"The file {self._path} cannot be locked.") from error
        fcntl.lockf(self._file(), fcntl.LOCK_UN, 1, owner)
        return True

    def close(self) -> None:
        """Unlock the owner's byte."""
        if self._owner is not None:
            with contextlib.suppress(OSError):
                fcntl.lockf(self._file(), fcntl.LOCK_UN, 1, self._owner)
            self._own.discard(self._owner)
            self._owner = None

    def _file(self) -> int:
        key = os.getpid(), self._path
        if key not in self._opened:
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
            self._opened[key] = os.open(self._path, flags, 0o644)
        return self._opened[key]


class _SessionLocks:
    """Advisory locks of PostgreSQL, which releases them when their session ends."""

    def __init__(self, engine: Engine) -> None:
        self._url = engine.url
        self._session: Connection | None = None

    def hold(self, owner: int) -> None:
        """Take the lock in a session of its own."""
        if self._session is not None:
            return
        engine = create_engine(self._url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        try:
            session = engine.connect()
            for setting in _DEAD_AFTER:
                session.execute(text(f"SET {setting}"))
            is_held = session.execute(text("SELECT pg_try_advisory_lock(:owner)"), {"owner": owner})
            if not is_held.scalar_one():
                session.close()
                raise NotPublished("An earlier session with the database has not ended yet.")
        except SQLAlchemyError as error:
            raise NotPublished("The database cannot be reached.") from error
        self._session = session

    def is_held(self) -> bool:
        """Return whether the session still works; close it if not."""
        if self._session is None:
            return True
        try:
            self._session.execute(text("SELECT 1"))
        except SQLAlchemyError:
            self.close()
            return False
        return True

    def is_gone(self, connection: Connection, owner: int) -> bool:
        """Return whether the lock can be taken; holds it until the transaction ends."""
        query = text("SELECT pg_try_advisory_xact_lock(:owner)")
        return bool(connection.execute(query, {"owner": owner}).scalar_one())

    def close(self) -> None:
        """Close the session."""
        session, self._session = self._session, None
        if session is not None:
            with contextlib.suppress(SQLAlchemyError):
                session.close()
