"""Tests of the Locust plugin."""
