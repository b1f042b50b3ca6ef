"""Compares a run's requests with its topic: every attempt gets a class and flags."""
