"""Accounts for every request of a run: reads ledger and topic, reconciles, judges, reports."""
