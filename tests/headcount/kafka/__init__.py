"""Tests of headcount/kafka."""
