"""Snapshots: the state of some players at one moment, on both databases."""

import sqlite3
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from headcount_service.errors import DatabaseError, OutcomeUnknown
from headcount_service.game.storage.progress import PublishProgress
from headcount_service.game.storage.snapshot import open_snapshot
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from tests.service.fakes import RecordingPublisher

BOW = {"item": "bow", "wood": "yew", "draw_weight_lb": 40}
BOW_NAME = "bow:draw_weight_lb=40,wood=yew"


def test_what_players_have(game: FlaskClient, database_url: str) -> None:
    """Gold, guild, inventory and cart of the players whose ids have the prefix."""
    for player in ("run_1.0.o0", "run_1.0.o1", "runX1.0.o2"):
        assert game.post("/players", json={"player_id": player}).status_code == 201
    path = "/players/run_1.0.o1"
    game.post("/purchases", json={"player_id": "run_1.0.o1", **BOW, "quantity": 2})
    game.post(f"{path}/cart", json={**BOW, "quantity": 3})
    game.post("/guilds/knights/members", json={"player_id": "run_1.0.o1"})
    with open_snapshot(database_url, "run_1.", 5) as account:
        assert set(account.entries()) == {
            ("run_1.0.o0", "player", 1),
            ("run_1.0.o0", "gold", 1000),
            ("run_1.0.o1", "player", 1),
            ("run_1.0.o1", "gold", 1000 - 2 * 65),
            ("run_1.0.o1", "guild:knights", 1),
            ("run_1.0.o1", f"item:{BOW_NAME}", 2),
            ("run_1.0.o1", f"cart:{BOW_NAME}", 3),
        }
        before = account.progress()
    assert before.unpublished == 0
    game.post("/players", json={"player_id": "another"})
    with open_snapshot(database_url, "run_1.", 5) as account:
        assert account.progress() == before


def test_progress(game: FlaskClient, database_url: str, publisher: RecordingPublisher) -> None:
    """It counts a new event, and counts it as unpublished."""
    with open_snapshot(database_url, "p", 5) as account:
        assert account.progress() == PublishProgress(0, 0)
    game.post("/players", json={"player_id": "p"})
    publisher.failure = OutcomeUnknown("no answer")
    game.post("/players/p/earnings", json={"gold": 5})
    with open_snapshot(database_url, "p", 5) as account:
        progress = account.progress()
    assert progress == PublishProgress(2, 1)


def test_it_is_of_one_moment(game: FlaskClient, database_url: str) -> None:
    """It does not show changes that are made while it is read."""
    game.post("/players", json={"player_id": "p"})
    with open_snapshot(database_url, "p", 5) as account:
        before = account.progress()
        game.post("/players/p/earnings", json={"gold": 5})
        assert account.progress() == before
        assert ("p", "gold", 1000) in set(account.entries())


def test_nothing_can_be_changed(game: FlaskClient, database_url: str) -> None:
    """The connection refuses to write."""
    game.post("/players", json={"player_id": "p"})
    with (
        pytest.raises(DatabaseError, match="cannot be read"),
        open_snapshot(database_url, "p", 5) as account,
    ):
        account._connection.execute(text("DELETE FROM players"))  # noqa: SLF001 - to try it
    engine = create_engine(database_url)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM players")).scalar() == 1
    engine.dispose()


def test_no_database(tmp_path: Path) -> None:
    """A missing file is not created, another file is an error, and no password is shown."""
    missing = tmp_path / "missing.sqlite3"
    with pytest.raises(DatabaseError, match=r"missing\.sqlite3 cannot be read: unable to open"):
        _read(f"sqlite:///{missing}")
    assert not missing.exists()
    torn = tmp_path / "torn.sqlite3"
    torn.write_bytes(b"no database at all" * 100)
    with pytest.raises(DatabaseError, match="file is not a database"):
        _read(f"sqlite:///{torn}")
    other = tmp_path / "other.sqlite3"
    sqlite3.connect(other).close()
    with pytest.raises(DatabaseError, match="no such table"):
        _read(f"sqlite:///{other}")
    with pytest.raises(DatabaseError) as error:
        _read("postgresql+psycopg://game:secret@127.0.0.1:1/game")
    assert "secret" not in str(error.value)
    assert isinstance(error.value.__cause__, SQLAlchemyError)


def _read(url: str) -> None:
    with open_snapshot(url, "p", 2) as account:
        account.progress()
