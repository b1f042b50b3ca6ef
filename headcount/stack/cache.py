"""The cache: the user's folder for what is fetched or made once and used by every run."""

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from headcount.errors import PartError


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Where Headcount keeps its cache: HEADCOUNT_CACHE, else the user's cache folder by XDG."""
    own = environ.get("HEADCOUNT_CACHE")
    if own:
        return Path(own).expanduser().absolute()
    base = environ.get("XDG_CACHE_HOME")
    # The XDG specification says that a relative path is to be ignored.
    root = Path(base) if base and Path(base).is_absolute() else Path.home() / ".cache"
    return root / "headcount"


def made_folder(path: Path) -> Path:
    """`path`, made if it is missing."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PartError(
            f"cannot make the folder {path}: {error.strerror}; set HEADCOUNT_CACHE to a folder "
            "that can be written"
        ) from error
    return path


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file `path`, waiting for whoever holds it. The kernel frees it on any death."""
    made_folder(path.parent)
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
