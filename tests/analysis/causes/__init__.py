"""Tests of analysis/causes."""
