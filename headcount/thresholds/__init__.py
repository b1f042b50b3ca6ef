"""Thresholds: what a run must keep to besides delivery, and the metrics that they name."""
