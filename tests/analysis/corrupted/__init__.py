"""Tests of analysis/corrupted."""
