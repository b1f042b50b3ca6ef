"""Tests of headcount/plugin/monitor."""
