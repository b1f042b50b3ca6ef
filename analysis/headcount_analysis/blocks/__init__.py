"""Compares a run block by block: each block in an executor, and only if it has changed."""
