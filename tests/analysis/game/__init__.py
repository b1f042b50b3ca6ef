"""Tests of the game in the topic."""
