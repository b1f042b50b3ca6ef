"""Column combinations: groups rows by the combination of their values in some columns.

Each row gets a number for its combination, which is much faster than comparing strings.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headcount_analysis.arrow_types import Integers

_MOST = 1 << 63


@dataclass(frozen=True, slots=True)
class Combined:
    """A number for each row's combination, and the values of each column, null last."""

    values: Mapping[str, Sequence[Any]]
    numbers: Integers

    @classmethod
    def of(cls, columns: Mapping[str, pa.ChunkedArray | pa.Array]) -> "Combined":
        """Combine columns of the same length, with few distinct values each."""
        encoded = {name: _encoded(column) for name, column in columns.items()}
        values = {name: [*column.dictionary.to_pylist(), None] for name, column in encoded.items()}
        assert math.prod(map(len, values.values())) < _MOST, "too many combinations to number"
        numbers = np.zeros(len(next(iter(encoded.values()))), np.int64)
        for column in encoded.values():
            number_of_null = len(column.dictionary)
            places = column.indices.fill_null(number_of_null).to_numpy()
            numbers = numbers * (number_of_null + 1) + places
        return cls(values, numbers)

    def counts(self) -> Iterator[tuple[dict[str, Any], int]]:
        """Yield each combination that occurs, and its number of rows."""
        for count in pc.value_counts(pa.array(self.numbers)).to_pylist():
            yield self.combination(count["values"]), count["counts"]

    def rows(self) -> Iterator[tuple[dict[str, Any], Integers]]:
        """Yield each combination that occurs, and its rows."""
        for number in pc.unique(pa.array(self.numbers)).to_pylist():
            yield self.combination(number), np.flatnonzero(self.numbers == number)

    def combination(self, number: int) -> dict[str, Any]:
        """Return the values of a combination, by column."""
        combination = {}
        for name, values in reversed(list(self.values.items())):
            number, place = divmod(number, len(values))
            combination[name] = values[place]
        return combination


def added(parts: Iterable[Mapping[Any, Any]]) -> dict[Any, Any]:
    """Add up counts, key by key."""
    sums: dict[Any, Any] = {}
    for part in parts:
        for name, counts in part.items():
            sums[name] = sums[name] + counts if name in sums else counts
    return sums


def _encoded(column: pa.ChunkedArray | pa.Array) -> pa.DictionaryArray:
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return whole.dictionary_encode()
