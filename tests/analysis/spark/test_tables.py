"""The tables: all that was written is read, from wherever it was written to, or it is told."""

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
    """It is written there alone, again if need be, and nothing is left aside."""
    kept = Tables(tmp_path)
    for _ in range(2):
        assert kept.keep(frame, "fates.parquet").count() == ROWS
    assert [path.name for path in tmp_path.iterdir()] == ["fates.parquet"]


def test_in_shared_storage(frame: DataFrame, tmp_path: Path) -> None:
    """It is written there and read from there, and a copy is in the run's folder."""
    folder, shared = tmp_path / "run-1", tmp_path / "shared" / "run-1"
    folder.mkdir()
    kept = Tables(folder, shared.as_uri())
    for _ in range(2):
        read = kept.keep(frame, "fates.parquet")
        assert read.count() == ROWS
        assert all(file.startswith(shared.as_uri()) for file in read.inputFiles())
    assert pads.dataset(folder / "fates.parquet", format="parquet").count_rows() == ROWS
    assert [path.name for path in folder.iterdir()] == ["fates.parquet"]


def test_files_that_were_written_elsewhere_are_missed(tmp_path: Path) -> None:
    """An executor on another host writes to its own disk: that is told, not taken for a loss."""
    place = Tables(tmp_path).begin("fates.parquet")
    (Path(place) / "a").touch()
    keep_only(place, {"a"})
    with pytest.raises(EvidenceError, match=r"of the 3 files .* 2 are not at .*--tables"):
        keep_only(place, {"a", "b", "c"})


def test_what_was_tried_again_is_removed(tmp_path: Path) -> None:
    """A file that nobody counts does not stay beside those that count."""
    place = Tables(tmp_path).begin("fates.parquet")
    for name in ("a", "b"):
        (Path(place) / name).touch()
    keep_only(place, {"b"})
    assert [path.name for path in Path(place).iterdir()] == ["b"]


@pytest.mark.parametrize("is_shared", [True, False])
def test_a_table_replaces_the_one_before(tmp_path: Path, *, is_shared: bool) -> None:
    """What a judgement before has left, whole or in pieces, is in none of the two places."""
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


def test_a_file_is_lent(frame: DataFrame, tmp_path: Path) -> None:
    """Executors read it where it is, or where it was copied to."""
    path = tmp_path / "stored.parquet"
    path.write_bytes(b"content")
    assert Tables(tmp_path).lend(path) == f"file://{path}"
    shared = tmp_path / "shared"
    url = Tables(tmp_path, shared.as_uri()).lend(path)
    assert url == f"{shared.as_uri()}/stored.parquet"
    assert (shared / "stored.parquet").read_bytes() == b"content"
    assert frame.sparkSession.read.text(url).collect()[0].value == "content"
