"""The tables: files that executors write during a verification, to a place that all can read.

With a local master, or a cluster whose hosts share the reports folder, that is the run's folder.
Otherwise tables are written to shared storage, and copied into the run's folder when finished.
"""

import shutil
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.fs as pafs

from headcount.errors import EvidenceError
from headcount.ledger.location import open_location
from headcount_analysis.spark.object_store import spark_url

if TYPE_CHECKING:  # `Tables` is needed before Spark's Python part is loaded
    from pyspark.sql import DataFrame


@dataclass(frozen=True, slots=True)
class Tables:
    """The final place of a run's tables, and the place where they are written first.

    `shared` is the URL of storage that driver and executors share; None uses `folder` alone.
    """

    folder: Path
    shared: str | None = None

    def begin(self, name: str) -> str:
        """Make an empty place that executors write a table to: a path or a URL. Raises OSError."""
        self.discard(self._aside(name) if self.shared is None else self.kept(name))
        return self.resume(name)

    def resume(self, name: str) -> str:
        """Return the place of a table that was begun; its files stay. Raises OSError."""
        place = self._aside(name) if self.shared is None else self.kept(name)
        filesystem, root = open_location(place)
        filesystem.create_dir(root, recursive=True)
        return place

    def finish(self, name: str) -> str:
        """Put a finished table into the run's folder, and return the place where executors read it.

        Raises EvidenceError and OSError.
        """
        if self.shared is None:
            _replace(self.folder / name, Path(self._aside(name)))
        else:
            self._fetch(name)
        return self.kept(name)

    def kept(self, name: str) -> str:
        """Return the place of a finished table, for executors to read: a path or a URL."""
        return str(self.folder / name) if self.shared is None else f"{self.shared}/{name}"

    def discard(self, place: str) -> None:
        """Remove a place and its files, if it exists."""
        filesystem, root = open_location(place)
        if filesystem.get_file_info(root).type is not pafs.FileType.NotFound:
            filesystem.delete_dir(root)

    def keep(self, frame: "DataFrame", name: str) -> "DataFrame":
        """Write a DataFrame as a table, and return it as read back from there."""
        place = self.begin(name)
        frame.write.mode("overwrite").parquet(spark_url(place))
        reader = frame.sparkSession.read.schema(frame.schema).option("__globPaths__", "false")
        return reader.parquet(spark_url(self.finish(name)))

    def share(self, path: Path) -> str:
        """Make a file of the run's folder readable for executors, and return its URL."""
        if self.shared is None:
            return spark_url(str(path))
        filesystem, root = open_location(self.shared)
        filesystem.create_dir(root, recursive=True)
        pafs.copy_files(
            str(path), f"{root}/{path.name}", pafs.LocalFileSystem(), filesystem, use_threads=False
        )
        return spark_url(self.kept(path.name))

    def _aside(self, name: str) -> str:
        """Name a hidden folder: leftovers of a crashed verification must not pass for a table."""
        return str(self.folder / f".{name}.tmp")

    def _fetch(self, name: str) -> None:
        """Copy a table from the shared storage into the run's folder."""
        filesystem, root = open_location(str(self.shared))
        target = self.folder / name
        aside = target.with_name(f".{name}.tmp")
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir()
        try:
            pafs.copy_files(f"{root}/{name}", str(aside), filesystem, pafs.LocalFileSystem())
        except (pa.ArrowException, OSError) as error:
            raise EvidenceError(f"cannot fetch {self.shared}/{name}: {error}") from error
        _replace(target, aside)


def _replace(target: Path, aside: Path) -> None:
    if target.exists():
        shutil.rmtree(target)
    aside.rename(target)


def files(place: str) -> dict[str, str]:
    """List the files at a place: paths by name; empty if the place does not exist."""
    filesystem, root = open_location(place)
    entries = filesystem.get_file_info(pafs.FileSelector(root, allow_not_found=True))
    return {entry.base_name: entry.path for entry in entries}


def keep_only(place: str, names: AbstractSet[str]) -> None:
    """Check that files exist, and remove all others, which retried tasks have left behind.

    Raises:
        EvidenceError: Some are missing: executors wrote them to another host.
    """
    filesystem, _ = open_location(place)
    paths = files(place)
    missing = names - paths.keys()
    if missing:
        raise EvidenceError(
            f"{len(missing):,} of the {len(names):,} files that Spark's executors wrote are not at "
            f"{place}: with --tables, name storage that driver and executors share"
        )
    for name in paths.keys() - names:
        filesystem.delete_file(paths[name])
