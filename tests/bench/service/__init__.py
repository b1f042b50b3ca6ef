"""Tests of bench/service."""
