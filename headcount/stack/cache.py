"""The cache: the user's folder for files that are fetched or created once for all runs."""

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from headcount.errors import PartError


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Return Headcount's cache folder: HEADCOUNT_CACHE, else the user's XDG cache folder."""
    own = environ.get("HEADCOUNT_CACHE")
    if own:
        return Path(own).expanduser().absolute()
    base = environ.get("XDG_CACHE_HOME")
    # The XDG specification says to ignore a relative path.
    root = Path(base) if base and Path(base).is_absolute() else Path.home() / ".cache"
    return root / "headcount"


def made_folder(path: Path) -> Path:
    """Create the folder `path` if it is missing, and return it. Raises PartError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PartError(
            f"cannot create the folder {path}: {error.strerror}; set HEADCOUNT_CACHE to a "
            "writable folder"
        ) from error
    return path


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file `path`; wait until it is free. The kernel frees a dead process's lock."""
    made_folder(path.parent)
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
