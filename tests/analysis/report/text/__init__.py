"""Tests of headcount_analysis.report.text."""
