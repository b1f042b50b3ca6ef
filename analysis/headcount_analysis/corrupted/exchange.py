"""Exchange: files in which one step passes rows on to the next, read by ranges of a column.

Each file is sorted, and its row groups are small, with statistics: a reader of a range decodes
little else.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from headcount.ledger.location import open_location

GROUP_ROWS = 16_384


def write_sorted(place: str, rows: pa.Table, by: Sequence[str], prefix: str = "") -> str:
    """Write rows to a new file at a place, sorted by some columns; return its name. OSError."""
    name = f"{prefix}{uuid.uuid4().hex}.parquet"
    filesystem, root = open_location(place)
    pq.write_table(
        rows.sort_by([(column, "ascending") for column in by]),
        f"{root}/{name}",
        filesystem=filesystem,
        row_group_size=GROUP_ROWS,
        write_statistics=list(by),
        compression="zstd",
        store_schema=False,  # readers expect plain strings, not dictionaries
    )
    return name


@dataclass(frozen=True, slots=True)
class FileRows:
    """Rows of one schema, in some files at a place."""

    place: str
    files: tuple[str, ...]
    schema: pa.Schema

    def read(self, condition: pc.Expression, columns: Iterable[str] | None = None) -> pa.Table:
        """Read the rows that fulfil a condition. Raises OSError."""
        chosen = None if columns is None else list(columns)
        return self.dataset().to_table(columns=chosen, filter=condition).combine_chunks()

    def dataset(self) -> ds.Dataset:
        """Open the files."""
        filesystem, root = open_location(self.place)
        paths = [f"{root}/{name}" for name in self.files]
        return ds.dataset(paths, self.schema, format="parquet", filesystem=filesystem)
