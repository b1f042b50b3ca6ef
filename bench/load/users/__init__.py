"""Locust users for the benchmarks: the same requests, with and without a ledger."""
