"""Tests of headcount/cli/probing."""
