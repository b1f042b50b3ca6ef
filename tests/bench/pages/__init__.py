"""Tests of bench/pages."""
