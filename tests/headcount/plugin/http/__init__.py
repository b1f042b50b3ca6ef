"""Tests of headcount/plugin/http."""
