"""Types of numpy arrays and Arrow columns."""

import numpy as np
import pyarrow as pa

Integers = np.ndarray[tuple[int], np.dtype[np.int64]]
Integers32 = np.ndarray[tuple[int], np.dtype[np.int32]]
Flags = np.ndarray[tuple[int], np.dtype[np.bool_]]
Bytes = np.ndarray[tuple[int], np.dtype[np.uint8]]

TEXTS = pa.dictionary(pa.int32(), pa.string())
"""A dictionary-encoded string column, for few distinct values."""


def equal_ranges(*columns: np.ndarray[tuple[int], np.dtype[np.generic]]) -> list[tuple[int, int]]:
    """Split rows into ranges of consecutive rows that are equal in all columns."""
    rows = len(columns[0])
    if not rows:
        return []
    changes = np.logical_or.reduce([column[1:] != column[:-1] for column in columns])
    starts = np.flatnonzero(np.r_[True, changes])
    return list(zip(starts.tolist(), [*starts[1:].tolist(), rows], strict=True))


def plain(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Decode a dictionary-encoded column of texts."""
    return values.cast(pa.string())
