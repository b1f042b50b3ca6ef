"""The game's state: players, their gold, guild, cart and inventory, kept in a database.

Each change and its event are written in one transaction (`outbox.py`), so that state and topic
agree in the end.
"""
