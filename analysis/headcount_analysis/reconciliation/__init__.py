"""Reconciles a run's ledger with its topic: every attempt gets a class and flags."""
