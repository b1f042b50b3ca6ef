"""Benchmarks of the verdict: time and memory by size, and the time that following saves."""
