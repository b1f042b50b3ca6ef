"""Markdown: formats tables, and escapes text from outside."""

from collections.abc import Iterable, Iterator, Sequence

_SPECIAL = str.maketrans({letter: f"\\{letter}" for letter in "\\`*_{}[]<>#|~!"})


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield an empty line and the lines of a table; all columns but the first are numbers."""
    yield ""
    yield f"| {' | '.join(header)} |"
    yield f"| {' | '.join(['---'] + ['---:'] * (len(header) - 1))} |"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def text(plain: str) -> str:
    """Escape text so that it is not read as Markdown or HTML."""
    return " ".join(plain.split()).translate(_SPECIAL)


def code(plain: str) -> str:
    """Format text as inline code."""
    safe = " ".join(plain.split()).replace("`", "'").replace("|", "\\|")
    return f"`{safe}`"
