"""Checks of the source tree that no linter makes, and figures about it."""
