"""Tests of headcount/plugin/shutdown."""
