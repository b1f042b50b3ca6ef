"""Timed groups: how many attempts have each combination of values, and when they were sent."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

_TIMES = [([], "count_all"), ("sent_at_ns", "min"), ("sent_at_ns", "max")]
_SUMS = [("count", "sum"), ("first_ns", "min"), ("last_ns", "max")]
_NAMES = ["count", "first_ns", "last_ns"]


class TimedGroups:
    """Counts attempts by the values of the columns `keys`, batch by batch."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = list(keys)
        self._parts: list[pa.Table] = []

    def add(self, attempts: pa.Table) -> None:
        """Count attempts: `keys`, of any type, and `sent_at_ns`."""
        part = attempts.group_by(self._keys, use_threads=False).aggregate(_TIMES)
        self._parts.append(part.rename_columns([*self._keys, *_NAMES]))

    def rows(self) -> list[dict[str, Any]]:
        """Return a row for each combination: `keys`, `count`, `first_ns` and `last_ns`.

        The times are Unix times in ns of the first and the last one sent, None if none was.
        """
        if not self._parts:
            return []
        together = pa.concat_tables(self._parts)
        sums = together.group_by(self._keys, use_threads=False).aggregate(_SUMS)
        rows: list[dict[str, Any]] = sums.rename_columns([*self._keys, *_NAMES]).to_pylist()
        return rows
