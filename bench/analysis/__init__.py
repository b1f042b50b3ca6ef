"""Benchmarks of the verdict: time and memory by run size, and the time that following saves."""
