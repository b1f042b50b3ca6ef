"""Tests of what other projects' tests use."""
