"""Encoders: how the self-test's service writes its messages, one format per file."""
