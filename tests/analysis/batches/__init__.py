"""Tests of analysis/batches."""
