"""Headcount makes any Locust scenario verifiable: identities, ledger, plugin, local stack, CLI."""
