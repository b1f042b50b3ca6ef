"""Tests of what readers see of a run in progress."""
