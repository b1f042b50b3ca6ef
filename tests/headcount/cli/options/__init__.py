"""Tests of headcount/cli/options."""
