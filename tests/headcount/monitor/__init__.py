"""Tests of headcount/monitor."""
