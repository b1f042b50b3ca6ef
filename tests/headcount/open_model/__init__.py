"""Tests of headcount/open_model."""
