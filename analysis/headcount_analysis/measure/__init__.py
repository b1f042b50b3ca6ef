"""Measurements of a run: latencies, rates, clock offsets and thresholds, over time and by group."""
