"""Tests of analysis/ledger."""
