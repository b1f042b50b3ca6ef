"""Benchmarks of the game service: throughput, and memory during a broker outage."""
