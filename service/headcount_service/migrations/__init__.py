"""The migrations of the game's database, run by Alembic."""
