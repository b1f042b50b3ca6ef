"""Upgrades a database's schema to the one that this version of the service needs.

    python -m headcount_service.migrations.upgrade

Gunicorn's master does so before it starts a worker. If several masters start at the same time, one
upgrades the schema, and the others wait for it.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from headcount_service.errors import DatabaseError, SettingsError
from headcount_service.game.storage.database import make_engine
from headcount_service.settings import Settings, load_settings

_FOLDER = Path(__file__).parent
_LOCK = 0x6865616463  # any number will do; the same for every master


def upgrade(settings: Settings) -> None:
    """Run the migrations that the database lacks.

    Raises:
        DatabaseError: The database cannot be reached or changed, or its schema is of a newer
            version of the service.
    """
    engine = make_engine(settings)
    shown = engine.url.render_as_string(hide_password=True)
    try:
        with engine.connect() as connection, connection.begin(), _exclusive(connection):
            _check_known(connection, shown)
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except SQLAlchemyError as error:
        lines = str(getattr(error, "orig", None) or error).strip().splitlines()
        reason = lines[0] if lines else type(error).__name__
        raise DatabaseError(
            f"the database {shown} cannot be used: {reason}; see SERVICE_DATABASE_URL"
        ) from error
    finally:
        engine.dispose()


@contextmanager
def _exclusive(connection: Connection) -> Iterator[None]:
    # SQLite needs no lock: the transaction's BEGIN IMMEDIATE keeps out all other writers.
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    yield


def _check_known(connection: Connection, shown: str) -> None:
    if not connection.dialect.has_table(connection, "alembic_version"):
        return
    version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    scripts = ScriptDirectory.from_config(_config()).walk_revisions()
    known = {script.revision for script in scripts}
    if version is not None and version not in known:
        raise DatabaseError(
            f"the database {shown} is of a newer version of the service (schema {version!r})"
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    return config


def main() -> None:
    """Upgrade the database that the environment names; print errors to stderr."""
    try:
        upgrade(load_settings())
    except (SettingsError, DatabaseError) as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2 if isinstance(error, SettingsError) else 5)


if __name__ == "__main__":
    main()
