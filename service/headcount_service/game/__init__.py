"""The game's state: players, their gold, guild, cart and inventory, kept in a database.

Every change is one transaction that also writes the event which tells of it (`outbox.py`), so that
state and topic never disagree for good.
"""
