"""Tests of the source tree checks."""
