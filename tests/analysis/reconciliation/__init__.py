"""Tests of analysis/reconciliation."""
