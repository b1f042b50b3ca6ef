"""Reads the service's database when a run is over.

The database is the third account of the owners' state, after the scenario's and the topic's (see
`headcount/run/state_changes.py`).
"""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa
from headcount_analysis.read.settling_policy import Database
from headcount_service.errors import DatabaseError
from headcount_service.game.storage.progress import PublishProgress

from headcount.console import Console
from headcount.errors import EvidenceError
from headcount.noun_counts import number
from headcount.run import stored_state
from headcount.run.folder import RunFolder
from headcount.run.manifest import Manifest
from headcount.stack.service import sqlite_url

if TYPE_CHECKING:
    from headcount_service.game.storage.snapshot import Snapshot

CONNECT_TIMEOUT_S = 5.0
OUTBOX_TIMEOUT_S = 60.0
POLL_S = 0.2
_UNREAD = PublishProgress(-1, 0)


@dataclass(frozen=True, slots=True)
class GameDatabase:
    """Where a run's database is; `url` may hold a password, and is neither shown nor written."""

    url: str
    owners: str

    @contextlib.contextmanager
    def opened(self) -> Iterator["Snapshot"]:
        """Open a consistent snapshot. DatabaseError says why there is none."""
        # SQLAlchemy takes long to load, and most runs have no database.
        from headcount_service.game.storage.snapshot import open_snapshot  # noqa: PLC0415

        with open_snapshot(self.url, self.owners, CONNECT_TIMEOUT_S) as snapshot:
            yield snapshot

    def progress(self) -> PublishProgress:
        """Count the events of the run's players, and those not published. Raises DatabaseError."""
        with self.opened() as snapshot:
            return snapshot.progress()


def find(folder: RunFolder, manifest: Manifest, url: str | None) -> GameDatabase | None:
    """Return a run's database: the one that `url` names, or the file that its own service left.

    None without either, or if the file is gone but its state was stored. Raises EvidenceError if
    the file is outside the reports folder.
    """
    owners = f"{manifest.tag}."
    if url is not None:
        return GameDatabase(url, owners)
    if manifest.database is None:
        return None
    path = (folder.path / manifest.database).resolve()
    if not path.is_relative_to(folder.path.parent.resolve()):
        raise EvidenceError(
            f"the run's database {path} is outside the reports folder: name it with --database-url"
        )
    if not path.is_file() and (folder.path / stored_state.FILE).is_file():
        return None
    return GameDatabase(sqlite_url(path), owners)


def await_outbox(database: GameDatabase | None, console: Console) -> PublishProgress | None:
    """Wait until all events of the run's players are published, and return their progress.

    Returns None without a database. If the database cannot be read, the returned progress differs
    from every other one, so that `account` reports the reason.
    """
    if database is None:
        return None
    deadline = time.monotonic() + OUTBOX_TIMEOUT_S
    with contextlib.ExitStack() as stack, contextlib.suppress(DatabaseError):
        progress = database.progress()
        if progress.unpublished:
            step = stack.enter_context(console.step("Waiting for the outbox"))
            while progress.unpublished and time.monotonic() < deadline:
                step.update(f"not published yet: {number(progress.unpublished, 'event')}")
                time.sleep(POLL_S)
                progress = database.progress()
        return progress
    return _UNREAD


@dataclass(frozen=True, slots=True)
class DatabaseReading:
    """What the database held, and whether it may change before it is read again."""

    database: Database
    is_moving: bool = False


def account(
    database: GameDatabase | None, before: PublishProgress | None, folder: RunFolder
) -> DatabaseReading:
    """Store what the database holds now, if it belongs to the same moment as the topic's end.

    `before` is its progress just before that end was recorded; None if the end was recorded
    earlier. Without a database, use the state that an earlier call stored, if there is one.
    """
    path = folder.path / stored_state.FILE
    noted = stored_state.read_moment(path)
    if database is None:
        return DatabaseReading(Database(path) if noted is not None else Database())
    events_at_end = None if noted is None else noted.last_event
    if before is not None:
        events_at_end = before.events
    try:
        with database.opened() as snapshot:
            progress = snapshot.progress()
            if why_not := _mismatch(progress, events_at_end):
                is_moving = before is not None and not progress.unpublished
                return DatabaseReading(Database(why_not=why_not, is_due=True), is_moving)
            moment = stored_state.Moment(_now(), progress.events)
            stored_state.write(path, snapshot.entries(), moment)
    except (DatabaseError, EvidenceError, pa.ArrowException, OSError) as error:
        return DatabaseReading(Database(why_not=str(error), is_due=True))
    return DatabaseReading(Database(path))


def _mismatch(progress: PublishProgress, events_at_end: int | None) -> str:
    """Return why the database does not show the state at the topic's end; empty if it does."""
    if progress.unpublished:
        return (
            f"not published yet: {number(progress.unpublished, 'event')} in the database's outbox; "
            "verify again with --until latest when they are"
        )
    if events_at_end is None:
        return (
            "the database's content at the recorded end of the topic is unknown; verify again with "
            "--until latest"
        )
    if progress.events != events_at_end:
        return (
            "the database has changed since the topic's end was recorded; verify again with "
            "--until latest while no requests change the game"
        )
    return ""


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
