"""Formats of messages: how a record is decoded, and which object of it is compared."""
