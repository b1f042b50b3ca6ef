"""Counts with their nouns."""


def number(count: int, noun: str) -> str:
    """Format a count with its noun, whose plural ends in s."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
