"""Tests of headcount/thresholds."""
