"""Tests of the game's state."""
