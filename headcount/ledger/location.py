"""Where a ledger lies: a path or a URL, and which generators have written there."""

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

    UsageError if it is a URL that pyarrow cannot open, or has more in it than a place: a key would
    be written into every run's manifest. `name` is the option that it was given by.
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
    """Name the generators that have no seal, by a look at the folders alone. Raises OSError.

    Those that have `begun` are among them while their folders are elsewhere.
    """
    selector = pafs.FileSelector(location, allow_not_found=True)
    names = [entry.base_name for entry in filesystem.get_file_info(selector)]
    generators = sorted({int(name) for name in names if name.isdigit()}.union(begun or ()))
    seals = filesystem.get_file_info([f"{location}/{each}/seal.json" for each in generators])
    return [
        generator
        for generator, seal in zip(generators, seals, strict=True)
        if seal.type == pafs.FileType.NotFound
    ]


def sealed_at_ns(
    filesystem: pafs.FileSystem, location: str, begun: Iterable[int] | None
) -> int | None:
    """When the last generator sealed, by the file system's clock; None if that is not known.

    Raises OSError.
    """
    paths = [f"{location}/{each}/seal.json" for each in begun or ()]
    times = [each.mtime_ns for each in filesystem.get_file_info(paths)] if paths else []
    known = [each for each in times if each is not None]
    return max(known) if known and len(known) == len(times) else None


def traces(
    filesystem: pafs.FileSystem, location: str, generator: int
) -> frozenset[tuple[str, int, int]]:
    """Give name, size and time of each file of a generator: another set if it writes any file.

    Raises OSError.
    """
    selector = pafs.FileSelector(f"{location}/{generator}", allow_not_found=True)
    found = filesystem.get_file_info(selector)
    return frozenset((each.base_name, each.size or 0, each.mtime_ns or 0) for each in found)
