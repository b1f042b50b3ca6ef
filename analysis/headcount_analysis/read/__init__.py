"""Reads the run's part of a topic."""
