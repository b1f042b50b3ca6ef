"""Parquet encodings, chosen to suit the values of each column.

pyarrow tries a dictionary for every column. For numbers that hardly repeat, the dictionary is
useless, and costs as much as all the rest. Increasing numbers are smaller, and faster to write and
read, as differences.
"""

from collections.abc import Sequence
from typing import Any


def encoded(
    few: Sequence[str], counting: Sequence[str], similar: Sequence[str] = ()
) -> dict[str, Any]:
    """Return arguments for pyarrow's writers.

    Args:
        few: Columns with few distinct values. A nested column is given as the paths of its leaves.
        counting: Columns of integers, each close to the one before.
        similar: Columns of texts, each with the same beginning as the one before.
    """
    return {
        "compression": "zstd",
        "compression_level": 1,
        "use_dictionary": list(few),
        "column_encoding": {
            **dict.fromkeys(counting, "DELTA_BINARY_PACKED"),
            **dict.fromkeys(similar, "DELTA_BYTE_ARRAY"),
        },
    }
