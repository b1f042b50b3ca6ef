"""Tests of analysis/id_places."""
