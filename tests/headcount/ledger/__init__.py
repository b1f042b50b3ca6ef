"""Tests of headcount/ledger."""
