"""Tests of headcount/run."""
