"""Tests of analysis/measure."""
