"""The service's database: looked into when a run is over, for the third account of its state."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa
from headcount_analysis.read.settling import Database
from headcount_service.errors import DatabaseError
from headcount_service.game.progress import PublishProgress

from headcount.console import Console
from headcount.errors import EvidenceError
from headcount.run import stored_state
from headcount.run.folder import RunFolder
from headcount.run.manifest import Manifest
from headcount.stack.service import sqlite_url

if TYPE_CHECKING:
    from headcount_service.game.snapshot import Snapshot

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
        """Look at it as it is at one moment. DatabaseError says why that cannot be."""
        # SQLAlchemy takes long to load, and most runs have no database.
        from headcount_service.game.snapshot import open_snapshot  # noqa: PLC0415

        with open_snapshot(self.url, self.owners, CONNECT_TIMEOUT_S) as account:
            yield account

    def progress(self) -> PublishProgress:
        """How far the events of the run's players are. Raises DatabaseError."""
        with self.opened() as account:
            return account.progress()


def find(folder: RunFolder, manifest: Manifest, url: str | None) -> GameDatabase | None:
    """The database of a run: the one that is named, or the file that its own service left.

    A file that is gone is none if what it said was written down. Raises EvidenceError if it is
    outside of the reports.
    """
    owners = f"{manifest.tag}."
    if url is not None:
        return GameDatabase(url, owners)
    if manifest.database is None:
        return None
    path = (folder.path / manifest.database).resolve()
    if not path.is_relative_to(folder.path.parent.resolve()):
        raise EvidenceError(f"the run's database is outside of the reports: {path}")
    if not path.is_file() and (folder.path / stored_state.FILE).is_file():
        return None
    return GameDatabase(sqlite_url(path), owners)


def await_outbox(database: GameDatabase | None, console: Console) -> PublishProgress | None:
    """Wait until no event of the run's players is still to be published, and say how far they are.

    None without a database; what equals nothing where it cannot be read, as `account` will say.
    """
    if database is None:
        return None
    deadline = time.monotonic() + OUTBOX_TIMEOUT_S
    with contextlib.ExitStack() as stack, contextlib.suppress(DatabaseError):
        progress = database.progress()
        if progress.unpublished:
            step = stack.enter_context(console.step("Waiting for the outbox"))
            while progress.unpublished and time.monotonic() < deadline:
                step.update(f"{progress.unpublished} events are not published")
                time.sleep(POLL_S)
                progress = database.progress()
        return progress
    return _UNREAD


@dataclass(frozen=True, slots=True)
class DatabaseReading:
    """What was found in the database, and whether it may be otherwise when it is read again."""

    database: Database
    is_moving: bool = False


def account(
    database: GameDatabase | None, before: PublishProgress | None, folder: RunFolder
) -> DatabaseReading:
    """Write down what the database says now, if it is of the same moment as the topic's end.

    `before` is how far it was just before that end was noted; None where the end was noted earlier.
    Where no database can be found, what was written down before counts.
    """
    path = folder.path / stored_state.FILE
    noted = stored_state.read_moment(path)
    if database is None:
        return DatabaseReading(Database(path) if noted is not None else Database())
    then = None if noted is None else noted.last_event
    if before is not None:
        then = before.events
    try:
        with database.opened() as found:
            progress = found.progress()
            if why_not := _unfit(progress, then):
                is_moving = before is not None and not progress.unpublished
                return DatabaseReading(Database(why_not=why_not, is_due=True), is_moving)
            stored_state.write(path, found.entries(), stored_state.Moment(_now(), progress.events))
    except (DatabaseError, pa.ArrowException, OSError) as error:
        return DatabaseReading(Database(why_not=str(error), is_due=True))
    return DatabaseReading(Database(path))


def _unfit(progress: PublishProgress, then: int | None) -> str:
    """Say why the account is not of the same moment as the topic's end; empty if it is."""
    if progress.unpublished:
        return (
            f"{progress.unpublished} events of its outbox are not published yet; "
            "verify again with --until latest when they are"
        )
    if then is None:
        return (
            "what it held when the topic's end was noted is not known; verify again with "
            "--until latest"
        )
    if progress.events != then:
        return (
            "it has moved on since the topic's end was noted; verify again with --until latest "
            "when nobody plays"
        )
    return ""


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
