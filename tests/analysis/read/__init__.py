"""Tests of analysis/read."""
