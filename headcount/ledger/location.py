"""The location of a ledger: a path or a URL, and which generators have written there."""

import os
from collections.abc import Iterable
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.fs as pafs

from headcount.errors import UsageError


def open_location(location: str) -> tuple[pafs.FileSystem, str]:
    """Open a ledger's location, a path or a URL that pyarrow knows."""
    if "://" in location:
        filesystem, path = pafs.FileSystem.from_uri(location)
        return filesystem, path
    return pafs.LocalFileSystem(), os.path.abspath(location)  # noqa: PTH100 - may be another host's


def check_location(name: str, location: str) -> str:
    """Return a location without a trailing slash.

    UsageError if it is a URL that pyarrow cannot open, or that contains anything but a location: a
    key in it would end up in every run's manifest. `name` is the option that sets it.
    """
    if "://" in location:
        parts = urlsplit(location)
        if parts.username or parts.password or parts.query or parts.fragment:
            raise UsageError(
                f"{name} must be a bare URL such as s3://bucket/ledgers: keys, region and endpoint "
                "go into AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL"
            )
        try:
            pafs.FileSystem.from_uri(location)
        except (pa.ArrowException, OSError) as error:
            raise UsageError(f"{name} cannot be opened: {error}") from None
    return location.rstrip("/") or "/"


def unsealed(
    filesystem: pafs.FileSystem, location: str, begun: Iterable[int] | None = None
) -> list[int]:
    """Return the generators that have no seal, without reading any file. Raises OSError.

    Includes those that have `begun` but have no folder here yet.
    """
    selector = pafs.FileSelector(location, allow_not_found=True)
    names = [entry.base_name for entry in filesystem.get_file_info(selector)]
    generators = sorted({int(name) for name in names if name.isdigit()}.union(begun or ()))
    seals = filesystem.get_file_info(
        [f"{location}/{generator}/seal.json" for generator in generators]
    )
    return [
        generator
        for generator, seal in zip(generators, seals, strict=True)
        if seal.type == pafs.FileType.NotFound
    ]


def traces(
    filesystem: pafs.FileSystem, location: str, generator: int
) -> frozenset[tuple[str, int, int]]:
    """Return name, size and time of each file of a generator: a write changes the set.

    Raises OSError.
    """
    selector = pafs.FileSelector(f"{location}/{generator}", allow_not_found=True)
    files = filesystem.get_file_info(selector)
    return frozenset((file.base_name, file.size or 0, file.mtime_ns or 0) for file in files)
