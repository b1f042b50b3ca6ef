"""The tables of the game's state. The migrations create them; this module describes them.

- `players`: one row per player, with gold and guild. Every command of a player locks the row.
- `holdings`, `cart_lines`: a player's inventory and cart; the quantity is never 0.
- `events`: the outbox and, once published, the history that `GET /events` searches. The ids of one
  player's events are in commit order; on PostgreSQL, those of different players need not be.
- `event_lines`: the items bought in an event.
- `answers`: the stored results of requests with an identity, for when they are repeated.

Times are Unix time in ms. `attributes` is a JSON object of an item's attributes; `variant` is a
text that names the item and its attributes, such as `bow:draw_weight_lb=40,wood=yew`.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_COUNTED = BigInteger().with_variant(Integer, "sqlite")  # SQLite autoincrements only an INTEGER


players = Table(
    "players",
    metadata,
    Column("player_id", String(64), primary_key=True),
    Column("gold", BigInteger, CheckConstraint("gold >= 0", "gold"), nullable=False),
    Column("guild", String(64), index=True),
)


def _quantities(name: str) -> Table:
    """Describe a table with the quantity of each variant that a player has."""
    return Table(
        name,
        metadata,
        Column("player_id", ForeignKey(players.c.player_id), primary_key=True),
        Column("variant", String(500), primary_key=True),
        Column("item", String(32), nullable=False),
        Column("attributes", JSON, nullable=False),
        Column("quantity", BigInteger, CheckConstraint("quantity > 0", "quantity"), nullable=False),
    )


holdings = _quantities("holdings")
cart_lines = _quantities("cart_lines")

events = Table(
    "events",
    metadata,
    Column("id", _COUNTED, primary_key=True, autoincrement=True),
    Column("event_id", String(200), index=True),
    Column("event_type", String(32), nullable=False),
    Column("player_id", ForeignKey(players.c.player_id), nullable=False),
    Column("guild", String(64)),
    Column("at_ms", BigInteger, nullable=False),
    Column("value", Text, nullable=False),
    # End of the lease by the database's clock: until then nobody takes the event over, even if its
    # owner is dead. Null once the event is published.
    Column("leased_until_ms", BigInteger),
    Column("topic_partition", Integer),
    Column("topic_offset", BigInteger),
    Column("owner", BigInteger),  # the only worker that may publish it, see ownership.py
    Index(None, "player_id", "id"),
    Index(None, "at_ms"),
)
Index(
    "ix_events_unpublished",
    events.c.player_id,
    sqlite_where=events.c.leased_until_ms.is_not(None),
    postgresql_where=events.c.leased_until_ms.is_not(None),
)

event_lines = Table(
    "event_lines",
    metadata,
    Column("event", ForeignKey(events.c.id), primary_key=True),
    Column("variant", String(500), primary_key=True),
    Column("item", String(32), nullable=False),
    Column("attributes", JSON, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("unit_price", BigInteger, nullable=False),
    Index(None, "item", "event"),
)

answers = Table(
    "answers",
    metadata,
    Column("event_id", String(200), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("event", ForeignKey(events.c.id)),
)
