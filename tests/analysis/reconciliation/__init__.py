"""Tests of analysis/compare_run."""
