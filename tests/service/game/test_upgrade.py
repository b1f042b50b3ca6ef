"""Migrations: they create the tables that the service expects, and reject other databases."""

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from headcount_service.errors import DatabaseError
from headcount_service.game.storage.tables import metadata
from headcount_service.migrations.upgrade import upgrade
from sqlalchemy import create_engine, text

from tests.service.conftest import LoadSettings
from tests.service.server import ROOT, command, environment


def test_the_migrations_create_the_tables(load: LoadSettings, database_url: str) -> None:
    """No table or column is missing or superfluous, and a second upgrade changes nothing."""
    settings = load(DATABASE_URL=database_url)
    upgrade(settings)
    upgrade(settings)
    engine = create_engine(database_url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_a_newer_schema_is_refused(load: LoadSettings, database_url: str) -> None:
    """A version of the service that does not know the schema does not touch it."""
    settings = load(DATABASE_URL=database_url)
    upgrade(settings)
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(DatabaseError, match=r"newer version of the service .*'9999'"):
        upgrade(settings)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("sqlite:////nowhere/at/all.sqlite3", "unable to open database file"),
        ("postgresql+psycopg://me:s3cret@127.0.0.1:1/game", "Connection refused"),
    ],
)
def test_a_database_that_cannot_be_used(url: str, reason: str, tmp_path: Path) -> None:
    """Neither service nor migration starts; one line says why, without the password."""
    for arguments in (command(), [sys.executable, "-m", "headcount_service.migrations.upgrade"]):
        done = subprocess.run(
            arguments,
            cwd=ROOT,
            env=environment(DATABASE_URL=url, PORT=1, DATABASE_TIMEOUT_S=1),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        lines = [line for line in done.stderr.splitlines() if not line.startswith("[")]
        assert done.returncode == 5, done.stderr
        assert len(lines) == 1
        assert reason in lines[0]
        assert "see SERVICE_DATABASE_URL" in lines[0]
        assert "s3cret" not in done.stderr
    assert list(tmp_path.iterdir()) == []
