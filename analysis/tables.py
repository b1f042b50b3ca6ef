"""The tables: what Spark writes on its way to a verdict, where whoever reads it can reach it.

The run's folder is such a place while executors run in the driver's own JVM, and where every host
of a cluster has that folder. Otherwise the tables go to storage that all of them reach, and a copy
comes into the run's folder when it is written.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.fs as pafs
from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F  # noqa: N812 - Spark's own convention

from analysis.object_store import spark_url
from analysis.session import local_url
from headcount.errors import EvidenceError
from headcount.ledger import open_location


@dataclass(frozen=True, slots=True)
class Tables:
    """Where a run's tables are: its folder, and the storage that they are written to first.

    `shared` is None where the folder alone is used. Where `is_local`, executors are in the driver's
    own JVM, and what they have written needs no second look.
    """

    folder: Path
    shared: str | None = None
    is_local: bool = True

    def keep(self, frame: DataFrame, name: str) -> DataFrame:
        """Write a table, and read it back from where it was written.

        Raises EvidenceError where not all of it is there: executors wrote it elsewhere.
        """
        written = self._write(frame, name) if self.is_local else self._write_and_count(frame, name)
        if self.shared is not None:
            self._fetch(name)
        return written

    def lend(self, path: Path) -> str:
        """Give the URL by which executors read a file of the run's folder."""
        if self.shared is None:
            return local_url(path)
        filesystem, root = open_location(self.shared)
        filesystem.create_dir(root, recursive=True)
        pafs.copy_files(
            str(path), f"{root}/{path.name}", pafs.LocalFileSystem(), filesystem, use_threads=False
        )
        return spark_url(f"{self.shared}/{path.name}")

    def _write_and_count(self, frame: DataFrame, name: str) -> DataFrame:
        seen = Observation()
        written = self._write(frame.observe(seen, F.count(F.lit(1)).alias("rows")), name)
        wrote, there = int(seen.get["rows"]), written.count()
        if wrote != there:
            raise EvidenceError(
                f"of the {wrote:,} rows of {name} that Spark's executors wrote, {there:,} are at "
                f"{self.shared or self.folder}: name storage that driver and executors share with "
                "--tables"
            )
        return written

    def _write(self, frame: DataFrame, name: str) -> DataFrame:
        if self.shared is None:
            url = self._write_here(frame, name)
        else:
            url = spark_url(f"{self.shared}/{name}")
            frame.write.mode("overwrite").parquet(url)
        reader = frame.sparkSession.read.schema(frame.schema).option("__globPaths__", "false")
        return reader.parquet(url)

    def _write_here(self, frame: DataFrame, name: str) -> str:
        """Write aside first: what a judgement that died has left is not taken for a table."""
        target = self.folder / name
        aside = target.with_name(f".{name}.tmp")
        frame.write.mode("overwrite").parquet(local_url(aside))
        _replace(target, aside)
        return local_url(target)

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
