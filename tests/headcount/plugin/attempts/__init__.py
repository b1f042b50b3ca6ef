"""Tests of headcount/plugin/attempts."""
