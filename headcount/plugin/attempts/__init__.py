"""Attempts: each gets an id before it is sent, and a row of the ledger when it has ended."""
