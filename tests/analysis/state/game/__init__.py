"""Tests of analysis/state/game."""
