"""Tests of bench/analysis."""
