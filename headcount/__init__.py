"""Headcount makes any Locust scenario verifiable: identities, ledger, plugin, local stack, CLI."""

__version__ = "0.1.0"
