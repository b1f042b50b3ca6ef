"""Tests of bench/report."""
