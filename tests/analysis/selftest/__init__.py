"""Tests of analysis/selftest."""
