"""Tests of the game API."""
