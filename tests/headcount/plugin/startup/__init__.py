"""Tests of headcount/plugin/startup."""
