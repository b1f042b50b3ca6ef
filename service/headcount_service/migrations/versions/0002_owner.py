"""An event's owner: the worker that publishes it."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column; existing events get no owner, because their workers have exited."""
    op.add_column("events", sa.Column("owner", sa.BigInteger))
