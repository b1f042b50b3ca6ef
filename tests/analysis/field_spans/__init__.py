"""Tests of headcount_analysis.field_spans."""
