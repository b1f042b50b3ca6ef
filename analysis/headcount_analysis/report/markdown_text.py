"""Markdown: tables, and text from outside that is not taken for Markdown or HTML."""

from collections.abc import Iterable, Iterator, Sequence

_SPECIAL = str.maketrans({each: f"\\{each}" for each in "\\`*_{}[]<>#|~!"})


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Give the lines of a table, an empty one first; all but its first column are numbers."""
    yield ""
    yield f"| {' | '.join(header)} |"
    yield f"| {' | '.join(['---'] + ['---:'] * (len(header) - 1))} |"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def text(plain: str) -> str:
    """Keep text from outside from being taken for Markdown or HTML."""
    return " ".join(plain.split()).translate(_SPECIAL)


def code(plain: str) -> str:
    """Write text as code."""
    safe = " ".join(plain.split()).replace("`", "'").replace("|", "\\|")
    return f"`{safe}`"
