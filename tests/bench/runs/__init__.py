"""Tests of bench/runs."""
