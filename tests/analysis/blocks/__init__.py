"""Tests of analysis/blocks."""
