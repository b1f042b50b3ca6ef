"""Tests of service/publish."""
