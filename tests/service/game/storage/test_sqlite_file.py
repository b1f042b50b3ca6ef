"""An SQLite file in a read-only place can still be read completely."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from headcount_service.app import create_app, parts_of
from headcount_service.game.storage import sqlite_file
from headcount_service.game.storage.snapshot import open_snapshot
from headcount_service.migrations.upgrade import upgrade

from tests.service.conftest import LoadSettings
from tests.service.fakes import RecordingPublisher

MOUNT_AND_READ = """
mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" || exit 9
exec "$2" -c 'import sys
from headcount_service.game.storage.snapshot import open_snapshot
with open_snapshot(sys.argv[1], "run-1.", 5) as account:
    print(*sorted(account.entries()))
' "sqlite:///$1/game.sqlite3"
"""
HELD = [("run-1.0.o0", "gold", 1000), ("run-1.0.o0", "player", 1)]


@pytest.fixture(params=["closed", "killed"])
def folder(
    request: pytest.FixtureRequest,
    load: LoadSettings,
    publisher: RecordingPublisher,
    tmp_path: Path,
) -> Path:
    """The database of a service that has closed it, or was killed, which leaves a log beside it."""
    running, left = tmp_path / "running", tmp_path / "left, and #1"
    running.mkdir()
    settings = load(DATABASE_URL=f"sqlite:///{running}/game.sqlite3")
    upgrade(settings)
    app = create_app(settings, publisher)
    game = app.test_client()
    assert game.post("/players", json={"player_id": "run-1.0.o0"}).status_code == 201
    if request.param == "closed":
        parts_of(app).database.close()
        shutil.copytree(running, left)
    else:
        shutil.copytree(running, left, ignore=shutil.ignore_patterns("*-shm"))
        parts_of(app).database.close()
    assert (left / "game.sqlite3-wal").exists() == (request.param == "killed")
    return left


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Remove the write permission for the block."""
    for path in (*folder.iterdir(), folder):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        yield
    finally:
        folder.chmod(0o755)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder(folder: Path) -> None:
    """The snapshot is complete, and no file is left beside the database."""
    before = sorted(path.name for path in folder.iterdir())
    with read_only(folder):
        with open_snapshot(f"sqlite:///{folder}/game.sqlite3", "run-1.", 5) as account:
            assert sorted(account.entries()) == HELD
            assert account.progress().unpublished == 0
        assert sorted(path.name for path in folder.iterdir()) == before


@pytest.mark.root
def test_a_read_only_mount(folder: Path) -> None:
    """The same on a mount, where root cannot write either."""
    command = ["unshare", "--mount", "sh", "-c", MOUNT_AND_READ, "sh", str(folder), sys.executable]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (0, f"{HELD[0]} {HELD[1]}\n"), done.stderr


@pytest.mark.parametrize("folder", ["killed"], indirect=True)
def test_a_file_that_changes_while_it_is_copied(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused, because the copied log need not belong to the copied file."""
    copy = shutil.copyfile

    def copy_and_checkpoint(source: Path, target: Path) -> None:
        copy(source, target)
        if source.name == "game.sqlite3":
            with source.open("ab") as file:
                file.write(bytes(4096))

    monkeypatch.setattr(sqlite_file, "_can_be_read", lambda _: False)
    monkeypatch.setattr(shutil, "copyfile", copy_and_checkpoint)
    file = folder / "game.sqlite3"
    with (
        pytest.raises(sqlite3.OperationalError, match="changed while it was being read"),
        sqlite_file.readable_uri(file),
    ):
        pytest.fail("a copy that may be inconsistent was handed out")
