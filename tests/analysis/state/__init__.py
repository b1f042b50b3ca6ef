"""Tests of analysis/state."""
