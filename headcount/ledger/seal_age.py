"""The age of the seals: how long ago the last generator sealed, by one clock.

The clock that dated a seal may be wrong, so it is never compared with the clock of this process. A
new file beside the seals is dated by the same clock, and the difference is their age. In a file
system, a file's date is the time of its last change. A copy does not keep that time, so seals
copied from another host are as old as the copy.
"""

import os
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow.fs as pafs

_S = 1_000_000_000


def seal_age_s(
    filesystem: pafs.FileSystem, location: str, begun: Iterable[int] | None
) -> float | None:
    """Return a lower bound of the time since the last generator sealed, in s; None if unknown.

    It is unknown while a seal is missing, and if no file can be written beside the seals.
    """
    seals = [f"{location}/{generator}/seal.json" for generator in begun or ()]
    if not seals:
        return None
    try:
        sealed_ns = _dates_ns(filesystem, seals)
        now_ns = _now_ns(filesystem, f"{location}/.clock-{uuid.uuid4().hex}")
    except OSError:
        return None
    if None in sealed_ns or now_ns is None:
        return None
    last_ns = max(date_ns or 0 for date_ns in sealed_ns)
    is_in_seconds = not last_ns % _S and not now_ns % _S
    return (now_ns - last_ns - (_S if is_in_seconds else 0)) / _S


def _now_ns(filesystem: pafs.FileSystem, path: str) -> int | None:
    """Return the file system's time: the date of a file that is created for it."""
    try:
        if isinstance(filesystem, pafs.LocalFileSystem):
            Path(path).touch(mode=0o600, exist_ok=False)
        else:
            filesystem.open_output_stream(path).close()
        return _dates_ns(filesystem, [path])[0]
    finally:
        _remove(filesystem, path)


def _remove(filesystem: pafs.FileSystem, path: str) -> None:
    try:
        filesystem.delete_file(path)
    except OSError:
        return  # it was not created, or this user may create files but not delete them


def _dates_ns(filesystem: pafs.FileSystem, paths: Sequence[str]) -> list[int | None]:
    """Return when files last changed, by the file system's clock. Raises OSError."""
    if isinstance(filesystem, pafs.LocalFileSystem):
        return [os.stat(path).st_ctime_ns for path in paths]  # noqa: PTH116 - they are texts
    return [file.mtime_ns for file in filesystem.get_file_info(list(paths))]
