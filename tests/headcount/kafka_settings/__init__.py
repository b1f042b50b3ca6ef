"""Tests of headcount/kafka_settings."""
