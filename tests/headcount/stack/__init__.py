"""Tests of the local stack, on real parts."""
