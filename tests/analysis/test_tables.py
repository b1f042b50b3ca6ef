"""The tables: all that was written is read, from wherever it was written to, or it is told."""

from pathlib import Path

import pyarrow.dataset as pads
import pytest
from pyspark.sql import DataFrame, SparkSession

from analysis import tables
from analysis.tables import Tables
from headcount.errors import EvidenceError

ROWS = 1000


@pytest.fixture
def frame(spark: SparkSession) -> DataFrame:
    """A table in several files."""
    return spark.range(0, ROWS, 1, 4)


@pytest.mark.parametrize("is_local", [True, False])
def test_in_the_run_s_folder(frame: DataFrame, tmp_path: Path, *, is_local: bool) -> None:
    """It is written there alone, again if need be, and nothing is left aside."""
    kept = Tables(tmp_path, is_local=is_local)
    for _ in range(2):
        assert kept.keep(frame, "fates.parquet").count() == ROWS
    assert [path.name for path in tmp_path.iterdir()] == ["fates.parquet"]


def test_in_shared_storage(frame: DataFrame, tmp_path: Path) -> None:
    """It is written there and read from there, and a copy is in the run's folder."""
    folder, shared = tmp_path / "run-1", tmp_path / "shared" / "run-1"
    folder.mkdir()
    kept = Tables(folder, shared.as_uri(), is_local=False)
    for _ in range(2):
        read = kept.keep(frame, "fates.parquet")
        assert read.count() == ROWS
        assert all(file.startswith(shared.as_uri()) for file in read.inputFiles())
    assert pads.dataset(folder / "fates.parquet", format="parquet").count_rows() == ROWS
    assert [path.name for path in folder.iterdir()] == ["fates.parquet"]


def test_rows_that_were_written_elsewhere_are_missed(
    frame: DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An executor on another host writes to its own disk: that is told, not taken for a loss."""
    replace = tables._replace

    def astray(target: Path, aside: Path) -> None:
        replace(target, aside)
        next(target.glob("part-*.parquet")).unlink()

    monkeypatch.setattr(tables, "_replace", astray)
    with pytest.raises(EvidenceError, match=r"of the 1,000 rows of fates.parquet .*, 750 are"):
        Tables(tmp_path, is_local=False).keep(frame, "fates.parquet")


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
