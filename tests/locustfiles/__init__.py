"""Tests of the traffic stories."""
