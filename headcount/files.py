"""Files that are whole or not there: written aside, forced to disk, then renamed."""

import os
from pathlib import Path


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write a file that a reader, or a later command, never meets half-written.

    Raises OSError; what was written aside is removed then.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    data = content.encode() if isinstance(content, str) else content
    try:
        with aside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
