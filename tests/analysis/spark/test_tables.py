"""The tables: everything written is read back from where it was written, or reported missing."""

from pathlib import Path

import pyarrow.dataset as pads
import pytest
from headcount_analysis.spark.tables import Tables, keep_only
from pyspark.sql import DataFrame, SparkSession

from headcount.errors import EvidenceError
from headcount.ledger.location import open_location

ROWS = 1000


@pytest.fixture
def frame(spark: SparkSession) -> DataFrame:
    """A table in several files."""
    return spark.range(0, ROWS, 1, 4)


def test_in_the_run_s_folder(frame: DataFrame, tmp_path: Path) -> None:
    """It is written only there, again if needed, and no temporary folder is left."""
    kept = Tables(tmp_path)
    for _ in range(2):
        assert kept.keep(frame, "fates.parquet").count() == ROWS
    assert [path.name for path in tmp_path.iterdir()] == ["fates.parquet"]


def test_in_shared_storage(frame: DataFrame, tmp_path: Path) -> None:
    """It is written to and read from there, and a copy is in the run's folder."""
    folder, shared = tmp_path / "run-1", tmp_path / "shared" / "run-1"
    folder.mkdir()
    kept = Tables(folder, shared.as_uri())
    for _ in range(2):
        read = kept.keep(frame, "fates.parquet")
        assert read.count() == ROWS
        assert all(file.startswith(shared.as_uri()) for file in read.inputFiles())
    assert pads.dataset(folder / "fates.parquet", format="parquet").count_rows() == ROWS
    assert [path.name for path in folder.iterdir()] == ["fates.parquet"]


def test_files_written_elsewhere_are_missing(tmp_path: Path) -> None:
    """If an executor on another host wrote to its own disk, that is an error, not a loss."""
    place = Tables(tmp_path).begin("fates.parquet")
    (Path(place) / "a").touch()
    keep_only(place, {"a"})
    with pytest.raises(EvidenceError, match=r"2 of the 3 files .* are not at .*--tables"):
        keep_only(place, {"a", "b", "c"})


def test_files_of_retried_tasks_are_removed(tmp_path: Path) -> None:
    """A file of a retried task that does not count is removed."""
    place = Tables(tmp_path).begin("fates.parquet")
    for name in ("a", "b"):
        (Path(place) / name).touch()
    keep_only(place, {"b"})
    assert [path.name for path in Path(place).iterdir()] == ["b"]


@pytest.mark.parametrize("is_shared", [True, False])
def test_a_table_replaces_the_earlier_one(tmp_path: Path, *, is_shared: bool) -> None:
    """Leftovers of an earlier verification, complete or not, remain in neither place."""
    folder, shared = tmp_path / "run-1", tmp_path / "shared"
    folder.mkdir()
    kept = Tables(folder, shared.as_uri() if is_shared else None)
    for name in ("a", "b"):
        kept.begin("t")
        _, root = open_location(kept.begin("t"))
        (Path(root) / name).touch()
        _, place = open_location(kept.finish("t"))
        assert [path.name for path in Path(place).iterdir()] == [name]
        assert [path.name for path in (folder / "t").iterdir()] == [name]
    kept.discard(kept.begin("lines"))
    assert [path.name for path in folder.iterdir()] == ["t"]


def test_a_file_is_shared(frame: DataFrame, tmp_path: Path) -> None:
    """Executors read it in place, or from where it was copied."""
    path = tmp_path / "stored.parquet"
    path.write_bytes(b"content")
    assert Tables(tmp_path).share(path) == f"file://{path}"
    shared = tmp_path / "shared"
    url = Tables(tmp_path, shared.as_uri()).share(path)
    assert url == f"{shared.as_uri()}/stored.parquet"
    assert (shared / "stored.parquet").read_bytes() == b"content"
    assert frame.sparkSession.read.text(url).collect()[0].value == "content"
