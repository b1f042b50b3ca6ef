"""Benchmarks of the load generator: throughput with a ledger, punctuality at a rate."""
