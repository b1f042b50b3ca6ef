"""The game's first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_COUNTED = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "players",
        sa.Column("player_id", sa.String(64), nullable=False),
        sa.Column("gold", sa.BigInteger, nullable=False),
        sa.Column("guild", sa.String(64)),
        sa.CheckConstraint("gold >= 0", name="ck_players_gold"),
        sa.PrimaryKeyConstraint("player_id", name="pk_players"),
    )
    op.create_index("ix_players_guild", "players", ["guild"])
    for name in ("holdings", "cart_lines"):
        _create_lines(name)
    _create_events()
    op.create_table(
        "answers",
        sa.Column("event_id", sa.String(200), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("event", _COUNTED),
        sa.ForeignKeyConstraint(["event"], ["events.id"], name="fk_answers_event_events"),
        sa.PrimaryKeyConstraint("event_id", name="pk_answers"),
    )


def _create_lines(name: str) -> None:
    op.create_table(
        name,
        sa.Column("player_id", sa.String(64), nullable=False),
        sa.Column("variant", sa.String(500), nullable=False),
        sa.Column("item", sa.String(32), nullable=False),
        sa.Column("attributes", sa.JSON, nullable=False),
        sa.Column("quantity", sa.BigInteger, nullable=False),
        sa.CheckConstraint("quantity > 0", name=f"ck_{name}_quantity"),
        sa.ForeignKeyConstraint(
            ["player_id"], ["players.player_id"], name=f"fk_{name}_player_id_players"
        ),
        sa.PrimaryKeyConstraint("player_id", "variant", name=f"pk_{name}"),
    )


def _create_events() -> None:
    op.create_table(
        "events",
        sa.Column("id", _COUNTED, autoincrement=True, nullable=False),
        sa.Column("event_id", sa.String(200)),
        sa.Column("event_type", sa.String(32), nullable=False),
        sa.Column("player_id", sa.String(64), nullable=False),
        sa.Column("guild", sa.String(64)),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("leased_until_ms", sa.BigInteger),
        sa.Column("topic_partition", sa.Integer),
        sa.Column("topic_offset", sa.BigInteger),
        sa.ForeignKeyConstraint(
            ["player_id"], ["players.player_id"], name="fk_events_player_id_players"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
    )
    op.create_index("ix_events_event_id", "events", ["event_id"])
    op.create_index("ix_events_player_id_id", "events", ["player_id", "id"])
    op.create_index("ix_events_at_ms", "events", ["at_ms"])
    unpublished = sa.text("leased_until_ms IS NOT NULL")
    op.create_index(
        "ix_events_unpublished",
        "events",
        ["player_id"],
        sqlite_where=unpublished,
        postgresql_where=unpublished,
    )
    op.create_table(
        "event_lines",
        sa.Column("event", _COUNTED, nullable=False),
        sa.Column("variant", sa.String(500), nullable=False),
        sa.Column("item", sa.String(32), nullable=False),
        sa.Column("attributes", sa.JSON, nullable=False),
        sa.Column("quantity", sa.BigInteger, nullable=False),
        sa.Column("unit_price", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["event"], ["events.id"], name="fk_event_lines_event_events"),
        sa.PrimaryKeyConstraint("event", "variant", name="pk_event_lines"),
    )
    op.create_index("ix_event_lines_item_event", "event_lines", ["item", "event"])
