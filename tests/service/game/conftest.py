"""Fixtures for the tests of the game: both databases, and an application on each."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from headcount_service.app import create_app, parts_of
from headcount_service.migrations.upgrade import upgrade
from sqlalchemy import create_engine, make_url, text

from tests.service.conftest import LoadSettings
from tests.service.fakes import RecordingPublisher
from tests.service.postgres import postgres


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server for the session."""
    with postgres() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a new database for the test."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'game.sqlite3'}"
    server = make_url(request.getfixturevalue("postgres_url"))
    name = f"game_{uuid.uuid4().hex}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return server.set(database=name).render_as_string(hide_password=False)


@pytest.fixture
def app(load: LoadSettings, database_url: str, publisher: RecordingPublisher) -> Iterator[Flask]:
    """The application on the database, with a publisher that only records events."""
    settings = load(DATABASE_URL=database_url, ACK_TIMEOUT_S=1, MAX_EVENT_BYTES=4096)
    upgrade(settings)
    app = create_app(settings, publisher)
    yield app
    parts_of(app).database.close()


@pytest.fixture
def game(app: Flask) -> FlaskClient:
    """A client that calls the application directly, without a server."""
    return app.test_client()
