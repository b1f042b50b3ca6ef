"""Tests of the options in a file."""
