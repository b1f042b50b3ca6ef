"""Tests of analysis/spark."""
