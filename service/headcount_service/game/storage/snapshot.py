"""A snapshot: the state of some players in the database, as a number for each of their resources.

A snapshot is consistent, so that the game's state can be compared with its events: a read-only
transaction sees the database at one moment.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, func, make_url, select
from sqlalchemy.exc import SQLAlchemyError

from headcount_service.errors import DatabaseError
from headcount_service.game.storage.progress import PublishProgress
from headcount_service.game.storage.sqlite_file import readable_uri
from headcount_service.game.storage.tables import cart_lines, events, holdings, players

SnapshotEntry = tuple[str, str, int]
"""A player, a resource (`player`, `gold`, `guild:…`, `item:…`, `cart:…`) and its amount."""

_ROWS_AT_ONCE = 10_000


class Snapshot:
    """The players whose ids begin with `prefix`, at one moment."""

    def __init__(self, connection: Connection, prefix: str) -> None:
        self._connection = connection
        self._prefix = prefix

    def progress(self) -> PublishProgress:
        """Return how many of the players' events are published."""
        owned = events.c.player_id.startswith(self._prefix, autoescape=True)
        query = select(func.count(), func.count(events.c.leased_until_ms)).where(owned)
        return PublishProgress(*self._connection.execute(query).one())

    def entries(self) -> Iterator[SnapshotEntry]:
        """Yield the players' resources; those not listed are 0."""
        for player_id, gold, guild in self._rows(players, "gold", "guild"):
            yield player_id, "player", 1
            yield player_id, "gold", gold
            if guild is not None:
                yield player_id, f"guild:{guild}", 1
        for kind, table in (("item", holdings), ("cart", cart_lines)):
            for player_id, variant, quantity in self._rows(table, "variant", "quantity"):
                yield player_id, f"{kind}:{variant}", quantity

    def _rows(self, table: Any, *names: str) -> Iterator[Any]:
        query = select(table.c.player_id, *(table.c[name] for name in names))
        owned = query.where(table.c.player_id.startswith(self._prefix, autoescape=True))
        yield from self._connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(owned)


@contextmanager
def open_snapshot(url: str, prefix: str, timeout_s: float) -> Iterator[Snapshot]:
    """Open a snapshot of a game's database for the `with` block.

    Raises:
        DatabaseError: The database cannot be reached, or lacks the game's tables; the message
            never contains the password.
    """
    parsed = make_url(url)
    try:
        with ExitStack() as stack:
            engine = _reading_engine(parsed, timeout_s, stack)
            stack.callback(engine.dispose)
            connection = stack.enter_context(engine.connect())
            stack.enter_context(connection.begin())
            yield Snapshot(connection, prefix)
    except (SQLAlchemyError, sqlite3.Error) as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        shown = parsed.render_as_string(hide_password=True)
        raise DatabaseError(f"the database {shown} cannot be read: {reason}") from error


def _reading_engine(url: URL, timeout_s: float, stack: ExitStack) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(
            url,
            isolation_level="REPEATABLE READ",
            execution_options={"postgresql_readonly": True},
            connect_args={"connect_timeout": max(2, round(timeout_s))},
        )
    uri = stack.enter_context(readable_uri(Path(url.database or "").absolute()))

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(uri, timeout=timeout_s, uri=True, isolation_level=None)

    engine = create_engine("sqlite://", creator=connect)
    # The file is untrusted: SQLite must not run functions that its schema names.
    event.listen(
        engine, "connect", lambda raw, _record: raw.execute("PRAGMA trusted_schema = OFF").close()
    )
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine
