"""Tests of headcount_analysis.judge."""
