"""Tests of analysis/probe."""
