"""Ownership: an event is its owner's to publish, for as long as the owner's process lives.

The owner is the worker that made the event, or has taken it over. A worker that is slow, or stopped
for a while, can go on at any instruction, also right before it sends. So no time that has passed
allows another to publish its events, and no clock is asked: only its end does, which the kernel
tells, or the database. Each worker holds a lock that is named by its number and ends with it: on a
byte of a file beside a SQLite database, or in a session of PostgreSQL.
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
"""After so many seconds PostgreSQL ends the session of a host that is gone without a word."""


def _now() -> bool:
    return True


@dataclass(slots=True, eq=False)
class Sending:
    """An event that this process may still send, until `is_over`."""

    number: int
    is_over: Callable[[], bool] = lambda: False

    def end(self, is_over: Callable[[], bool] | None = None) -> None:
        """Say from when on it is sent no more; now, if nothing else is known."""
        self.is_over = is_over or _now


class InFlight:
    """The events that this process may still send."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sending: set[Sending] = set()

    def begin(self, number: int) -> Sending:
        """Count an event in."""
        sending = Sending(number)
        with self._lock:
            self._sending.add(sending)
        return sending

    def numbers(self) -> set[int]:
        """Which they are now."""
        with self._lock:
            self._sending = {sending for sending in self._sending if not sending.is_over()}
            return {sending.number for sending in self._sending}


class _Locks(Protocol):
    """How a worker shows that it lives, and sees whether another does."""

    def hold(self, owner: int) -> None:
        """Hold the lock from now on, if it is not held. Raises NotPublished."""

    def is_held(self) -> bool:
        """Whether it is still held, or was not held yet."""

    def is_gone(self, connection: Connection, owner: int) -> bool:
        """Whether nobody holds the lock."""

    def close(self) -> None:
        """Let go of it."""


class Ownership:
    """This process as an owner; `number` names it from its first use on, after the fork."""

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
        """Its number, whose lock is held. Raises NotPublished if that cannot be."""
        with self._lock:
            if self._pid != os.getpid():  # made before the fork, for several workers
                self._number, self._pid = secrets.randbits(_OWNER_BITS), os.getpid()
            self._locks.hold(self._number)
            return self._number

    def renew(self) -> None:
        """See that the lock is held; who has lost it is another owner. Raises NotPublished."""
        with self._lock:
            if not self._locks.is_held():
                self._number = secrets.randbits(_OWNER_BITS)
        _ = self.number

    def is_gone(self, connection: Connection, owner: int | None) -> bool:
        """Whether an owner's process has ended; asked in a transaction that changes something."""
        return owner is None or (owner != self._number and self._locks.is_gone(connection, owner))

    def close(self) -> None:
        """End as an owner."""
        self._locks.close()


class _FileLocks:
    """Locks on bytes of a file, which the kernel lets go of when their process ends.

    A process loses all of its locks on a file once it closes any descriptor of it, so each process
    has one for each file, and keeps it.
    """

    _opened: dict[tuple[int, Path], int] = {}  # noqa: RUF012 - one for the process
    _own: set[int] = set()  # noqa: RUF012 - they would not keep the process itself out

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
        """Nothing but the process's end takes it away."""
        return True

    def is_gone(self, _connection: Connection, owner: int) -> bool:
        """Try to lock the owner's byte."""
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
        """Unlock it."""
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
    """Advisory locks of PostgreSQL, which it lets go of when their session ends."""

    def __init__(self, engine: Engine) -> None:
        self._url = engine.url
        self._session: Connection | None = None

    def hold(self, owner: int) -> None:
        """Have a session of its own hold the lock."""
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
        """Ask the session, and drop one that has ended."""
        if self._session is None:
            return True
        try:
            self._session.execute(text("SELECT 1"))
        except SQLAlchemyError:
            self.close()
            return False
        return True

    def is_gone(self, connection: Connection, owner: int) -> bool:
        """Try to lock it, for the rest of the transaction."""
        query = text("SELECT pg_try_advisory_xact_lock(:owner)")
        return bool(connection.execute(query, {"owner": owner}).scalar_one())

    def close(self) -> None:
        """End the session."""
        session, self._session = self._session, None
        if session is not None:
            with contextlib.suppress(SQLAlchemyError):
                session.close()
