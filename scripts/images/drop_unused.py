"""Removes the files of installed packages that no command in an image uses.

`python drop_unused.py SITE_PACKAGES LIST…`: each line of a list is a glob pattern below the folder
of packages; lines that begin with # are comments. A pattern that matches nothing is an
error: otherwise nobody would notice that an upgrade has made a list outdated.
"""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path


def patterns_of(text: str) -> list[str]:
    """Return the patterns of a list."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line]


def drop(packages: Path, patterns: Sequence[str]) -> int:
    """Remove what the patterns match; return the bytes. ValueError if one matches nothing."""
    freed = 0
    for pattern in patterns:
        matches = sorted(packages.glob(pattern))
        if not matches:
            raise ValueError(f"{pattern} matches nothing below {packages}: correct the list")
        for path in matches:
            freed += _size(path)
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    return freed


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else (path,)
    return sum(file.lstat().st_size for file in files if not file.is_dir())


if __name__ == "__main__":
    wanted = [line for name in sys.argv[2:] for line in patterns_of(Path(name).read_text("utf-8"))]
    print(f"removed {drop(Path(sys.argv[1]), wanted) / 1e6:.0f} MB")
