"""Arrays: the types of the columns that are worked on at once."""

import numpy as np
import pyarrow as pa

Integers = np.ndarray[tuple[int], np.dtype[np.int64]]
Integers32 = np.ndarray[tuple[int], np.dtype[np.int32]]
Flags = np.ndarray[tuple[int], np.dtype[np.bool_]]
Bytes = np.ndarray[tuple[int], np.dtype[np.uint8]]

TEXTS = pa.dictionary(pa.int32(), pa.string())
"""Texts of which there are few, each said once."""
