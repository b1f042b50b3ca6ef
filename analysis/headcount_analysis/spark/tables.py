"""The tables: what Spark writes on its way to a verdict, where whoever reads it can reach it.

The run's folder is such a place while executors run in the driver's own JVM, and where every host
of a cluster has that folder. Otherwise the tables go to storage that all of them reach, and a copy
comes into the run's folder when it is written.
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

if TYPE_CHECKING:  # what says where tables go is needed before Spark's Python part is loaded
    from pyspark.sql import DataFrame


@dataclass(frozen=True, slots=True)
class Tables:
    """Where a run's tables are: its folder, and the storage that they are written to first.

    `shared` is None where the folder alone is used.
    """

    folder: Path
    shared: str | None = None

    def begin(self, name: str) -> str:
        """Make an empty place for a table, which executors write to: a path or a URL."""
        self.discard(self._aside(name) if self.shared is None else self.kept(name))
        return self.resume(name)

    def resume(self, name: str) -> str:
        """Give the place of a table that was begun, with what is in it."""
        place = self._aside(name) if self.shared is None else self.kept(name)
        filesystem, root = open_location(place)
        filesystem.create_dir(root, recursive=True)
        return place

    def finish(self, name: str) -> str:
        """Put a table that was written where it is kept, and say where executors read it."""
        if self.shared is None:
            _replace(self.folder / name, Path(self._aside(name)))
        else:
            self._fetch(name)
        return self.kept(name)

    def kept(self, name: str) -> str:
        """Say where executors read a table that is finished: a path or a URL."""
        return str(self.folder / name) if self.shared is None else f"{self.shared}/{name}"

    def discard(self, place: str) -> None:
        """Remove a place and what is in it, if it is there."""
        filesystem, root = open_location(place)
        if filesystem.get_file_info(root).type is not pafs.FileType.NotFound:
            filesystem.delete_dir(root)

    def keep(self, frame: "DataFrame", name: str) -> "DataFrame":
        """Let Spark write a table, and read it back from where it was written."""
        place = self.begin(name)
        frame.write.mode("overwrite").parquet(spark_url(place))
        reader = frame.sparkSession.read.schema(frame.schema).option("__globPaths__", "false")
        return reader.parquet(spark_url(self.finish(name)))

    def lend(self, path: Path) -> str:
        """Give the URL by which executors read a file of the run's folder."""
        if self.shared is None:
            return spark_url(str(path))
        filesystem, root = open_location(self.shared)
        filesystem.create_dir(root, recursive=True)
        pafs.copy_files(
            str(path), f"{root}/{path.name}", pafs.LocalFileSystem(), filesystem, use_threads=False
        )
        return spark_url(self.kept(path.name))

    def _aside(self, name: str) -> str:
        """What a judgement that died has left is not taken for a table."""
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
    """Give the paths of the files at a place, by their names; none where nothing is."""
    filesystem, root = open_location(place)
    entries = filesystem.get_file_info(pafs.FileSelector(root, allow_not_found=True))
    return {entry.base_name: entry.path for entry in entries}


def keep_only(place: str, names: AbstractSet[str]) -> None:
    """See that files are there, and remove what a task has left that was tried again.

    Raises:
        EvidenceError: Not all are there: executors wrote them elsewhere.
    """
    filesystem, _ = open_location(place)
    paths = files(place)
    missing = names - paths.keys()
    if missing:
        raise EvidenceError(
            f"of the {len(names):,} files that Spark's executors wrote {len(missing):,} are not at "
            f"{place}: name storage that driver and executors share with --tables"
        )
    for name in paths.keys() - names:
        filesystem.delete_file(paths[name])
