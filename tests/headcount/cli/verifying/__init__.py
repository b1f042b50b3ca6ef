"""Tests of headcount/cli/verifying."""
