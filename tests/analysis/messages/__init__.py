"""Tests of analysis/messages."""
