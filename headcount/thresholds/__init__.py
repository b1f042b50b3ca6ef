"""Thresholds: the metrics, and the limits that a run must keep in addition to delivery."""
