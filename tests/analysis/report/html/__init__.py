"""Tests of headcount_analysis.report.html."""
