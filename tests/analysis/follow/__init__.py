"""Tests of analysis/follow."""
