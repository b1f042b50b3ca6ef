"""The game's state: players, their gold, guild, cart and inventory, kept in a database.

One transaction writes a change and its event (`storage/outbox.py`), so that state and topic agree
in the end.
"""
