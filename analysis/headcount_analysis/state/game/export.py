"""Exports: writes a Spark table of any length to a single CSV or Parquet file."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import to_arrow_schema

from headcount.errors import UsageError
from headcount.files import written_aside

ROWS_AT_ONCE = 50_000


def check_path(path: Path) -> None:
    """Check that an export can be written to this path. Raises UsageError."""
    if path.suffix not in _WRITERS:
        raise UsageError(f"--output must end in {' or '.join(_WRITERS)}, got {path}")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"--output: there is no folder {path.absolute().parent}")


def write(frame: DataFrame, path: Path) -> int:
    """Write a table to a file atomically, and return its number of rows. Raises OSError."""
    schema = to_arrow_schema(frame.schema)
    rows = 0
    with written_aside(path) as aside, _WRITERS[path.suffix](str(aside), schema) as writer:
        for batch in _batches(frame, schema):
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows


_WRITERS: dict[str, Callable[..., Any]] = {".csv": pacsv.CSVWriter, ".parquet": pq.ParquetWriter}


def _batches(frame: DataFrame, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    rows = frame.toLocalIterator()
    while chunk := list(itertools.islice(rows, ROWS_AT_ONCE)):
        yield pa.RecordBatch.from_pylist([row.asDict() for row in chunk], schema)
