"""Encodings: how the columns of Parquet are written, each as its values are.

pyarrow tries a dictionary for every column. Of numbers that hardly repeat it makes one in vain,
which costs as much as all the rest; those that follow one another are smaller, and sooner written
and read, as differences.
"""

from collections.abc import Sequence
from typing import Any


def encoded(
    few: Sequence[str], counting: Sequence[str], similar: Sequence[str] = ()
) -> dict[str, Any]:
    """Give what pyarrow's writers take.

    Args:
        few: Columns of few different values, by the paths of their leaves.
        counting: Columns of integers, each of which is near the one before.
        similar: Columns of texts, each of which begins like the one before.
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
