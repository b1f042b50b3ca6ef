"""Counts with their nouns. Pure."""


def number(count: int, noun: str) -> str:
    """Format a count with its noun, whose plural ends in s."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def times(count: int) -> str:
    """Format how often something occurred."""
    return "once" if count == 1 else f"{count:,} times"
