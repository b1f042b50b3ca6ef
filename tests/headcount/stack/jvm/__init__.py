"""Tests of headcount/stack/jvm."""
