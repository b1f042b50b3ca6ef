"""Tests of bench/sizing."""
