"""A private file: secrets for a library that takes them only from a file."""

import contextlib
import os
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def private_file(content: str) -> Iterator[str]:
    """Yield the path of a file that only this user can read, and that exists for the block."""
    descriptor, path = tempfile.mkstemp(prefix="headcount-", suffix=".pem")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(content)
        yield path
    finally:
        os.unlink(path)  # noqa: PTH108 - mkstemp returns text
