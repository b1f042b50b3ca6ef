"""Output of whole documents, such as pages: to a file or to stdout, and where their links lead."""

import os
from pathlib import Path

from headcount.console import Console
from headcount.errors import UsageError
from headcount.files import write_atomically

STDOUT = Path("-")
"""Stands for stdout where a file is named."""


def links_to(location: str, html: Path) -> str:
    """Return the URL of the runs, or the path by which links on a page reach their folder."""
    if "://" in location or html == STDOUT:
        return location
    return Path(os.path.relpath(location, html.absolute().parent)).as_posix()


def write_document(content: str, path: Path, console: Console) -> None:
    """Write a document to a file, or print it. UsageError if the file cannot be written."""
    if path == STDOUT:
        console.document(content)
        return
    try:
        write_atomically(path, content)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from None
