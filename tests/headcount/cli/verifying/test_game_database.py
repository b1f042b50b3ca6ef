"""The database in a judgement: of the same moment as the topic's end, or not at all."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from headcount_service.errors import DatabaseError
from headcount_service.game.storage.progress import PublishProgress
from headcount_service.game.storage.snapshot import SnapshotEntry

from headcount.cli.commands.verify import verify
from headcount.cli.verifying import game_database as database_module
from headcount.cli.verifying.game_database import GameDatabase, account, await_outbox, find
from headcount.console import Console
from headcount.errors import EvidenceError
from headcount.run import stored_state
from headcount.run.folder import RunFolder
from tests.manifests import MANIFEST

URL = "sqlite:////tmp/game.sqlite3"
PLAYED = GameDatabase(URL, "run-1.")


@dataclass
class Fake:
    """A database whose progress changes each time it is opened."""

    points: Sequence[PublishProgress]
    opened: int = 0
    entered: list[SnapshotEntry] = field(default_factory=lambda: [("run-1.0.o0", "gold", 5)])

    @contextlib.contextmanager
    def open(self, _url: str, prefix: str, _timeout_s: float) -> Iterator["Fake"]:
        """Open it."""
        assert prefix == "run-1."
        self.opened += 1
        yield self

    def progress(self) -> PublishProgress:
        """Its progress."""
        return self.points[min(self.opened, len(self.points)) - 1]

    def entries(self) -> Iterator[SnapshotEntry]:
        """Its entries."""
        yield from self.entered


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """The folder of a run."""
    made = RunFolder(tmp_path / "run-1")
    made.create()
    return made


def opening(monkeypatch: pytest.MonkeyPatch, *points: PublishProgress) -> Fake:
    """Make the database open with these states of progress, one after the other."""
    fake = Fake(points)
    monkeypatch.setattr("headcount_service.game.storage.snapshot.open_snapshot", fake.open)
    monkeypatch.setattr(database_module, "POLL_S", 0)
    return fake


def test_the_outbox_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wait ends when nothing is left in it."""
    fake = opening(monkeypatch, PublishProgress(7, 2), PublishProgress(7, 1), PublishProgress(7, 0))
    assert await_outbox(PLAYED, Console(quiet=True)) == PublishProgress(7, 0)
    assert fake.opened == 3


def test_an_outbox_that_stays(monkeypatch: pytest.MonkeyPatch, folder: RunFolder) -> None:
    """The wait ends at its timeout, and the state does not belong to the topic's end."""
    opening(monkeypatch, PublishProgress(7, 2))
    monkeypatch.setattr(database_module, "OUTBOX_TIMEOUT_S", 0)
    before = await_outbox(PLAYED, Console(quiet=True))
    reading = account(PLAYED, before, folder)
    assert (reading.database.is_due, reading.is_moving) == (True, False)
    assert reading.database.why_not.startswith(
        "not published yet: 2 events in the database's outbox"
    )


def test_an_account_of_the_same_moment(monkeypatch: pytest.MonkeyPatch, folder: RunFolder) -> None:
    """It is stored; a later one with the same progress is as good."""
    opening(monkeypatch, PublishProgress(7, 0))
    reading = account(PLAYED, PublishProgress(7, 0), folder)
    path = folder.path / stored_state.FILE
    assert (reading.database.stored, reading.is_moving) == (path, False)
    moment = stored_state.read_moment(path)
    assert moment is not None
    assert moment.last_event == 7
    assert account(PLAYED, None, folder).database.stored == path


def test_an_account_of_a_later_moment(monkeypatch: pytest.MonkeyPatch, folder: RunFolder) -> None:
    """Later events are not in a topic that ended before them."""
    opening(monkeypatch, PublishProgress(8, 0))
    reading = account(PLAYED, PublishProgress(7, 0), folder)
    assert (reading.database.stored, reading.database.is_due, reading.is_moving) == (
        *(None, True, True),
    )
    stored_state.write(folder.path / stored_state.FILE, [], stored_state.Moment("then", 7))
    reading = account(PLAYED, None, folder)
    assert (reading.database.stored, reading.is_moving) == (None, False)
    assert reading.database.why_not.startswith("the database has changed since")


def test_an_end_that_was_noted_without_an_account(
    monkeypatch: pytest.MonkeyPatch, folder: RunFolder
) -> None:
    """The state at that time is unknown, so nothing is compared."""
    opening(monkeypatch, PublishProgress(7, 0))
    reading = account(PLAYED, None, folder)
    assert (reading.database.stored, reading.database.is_due) == (None, True)
    assert "--until latest" in reading.database.why_not


def test_what_cannot_be_read(monkeypatch: pytest.MonkeyPatch, folder: RunFolder) -> None:
    """A missing database or an invalid number is a reason, not a traceback."""

    def refuse(*_: object) -> contextlib.AbstractContextManager[Fake]:
        raise DatabaseError("the database cannot be read")

    fake = opening(monkeypatch, PublishProgress(7, 0))
    fake.entered = [("o", "gold", "much")]  # type: ignore[list-item]
    assert "much" in account(PLAYED, PublishProgress(7, 0), folder).database.why_not
    monkeypatch.setattr("headcount_service.game.storage.snapshot.open_snapshot", refuse)
    before = await_outbox(PLAYED, Console(quiet=True))
    reading = account(PLAYED, before, folder)
    assert reading.database.why_not == "the database cannot be read"
    assert reading.database.is_due
    opening(monkeypatch, PublishProgress(7, 0))
    assert account(PLAYED, before, folder).is_moving  # it can be read again, and is looked at anew


def test_which_database(folder: RunFolder) -> None:
    """The named one, the file that the run left, the stored state, or none."""
    manifest = MANIFEST
    assert find(folder, manifest, None) is None
    assert find(folder, manifest, URL) == PLAYED
    manifest = replace(manifest, database="game.sqlite3")
    gone = find(folder, manifest, None)
    assert gone is not None
    assert gone.url == f"sqlite:///{folder.path}/game.sqlite3"
    reading = account(gone, None, folder)
    assert (reading.database.stored, reading.database.is_due) == (None, True)
    stored_state.write(folder.path / stored_state.FILE, [], stored_state.Moment("then", 7))
    assert find(folder, manifest, None) is None
    assert account(None, None, folder).database.stored == folder.path / stored_state.FILE
    elsewhere = replace(manifest, database="../../etc/game.sqlite3")
    with pytest.raises(EvidenceError, match="outside the reports folder"):
        find(folder, elsewhere, None)


def test_an_invalid_url() -> None:
    """The message names the option, and does not repeat a possible password."""
    wrong = ["run-1", "--database-url", "mysql://game:secret@host/db"]
    done = CliRunner().invoke(verify, wrong)
    assert done.exit_code == 2
    assert "--database-url" in done.output
    assert "must be sqlite:///PATH or postgresql+psycopg://" in done.output
    assert "secret" not in done.output
