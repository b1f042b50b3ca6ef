"""Probes: a few requests of a scenario, and the topics that they reach."""
