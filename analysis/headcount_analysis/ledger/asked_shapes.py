"""Asked shapes: the shape of each attempt, for runs in which events have very many shapes.

If a ledger has few shapes, each message is tried with all of them. If it has many, the shape of
the message's attempt is looked up in the ledger, so that each message is tried with only one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow.parquet as pq

from headcount.ledger.location import open_location
from headcount_analysis.arrow_types import Integers, Integers32


@dataclass(frozen=True, slots=True)
class AskedShapes:
    """The ledger's segments, and the fields that any of their shapes compares."""

    location: str
    segments: tuple[str, ...]
    names: frozenset[str]

    def read(self) -> "ShapeTable":
        """Read the shape of each attempt. Raises OSError."""
        filesystem, root = open_location(self.location)
        table = ShapeTable()
        for name in self.segments:
            with pq.ParquetFile(f"{root}/{name}", filesystem=filesystem) as file:
                for batch in file.iter_batches(columns=["generator", "seq", "shape"]):
                    shapes = batch["shape"].dictionary_encode()
                    table.add(
                        batch["generator"].to_numpy(),
                        batch["seq"].to_numpy(),
                        shapes.dictionary.to_pylist(),
                        shapes.indices.to_numpy(),
                    )
        return table


@dataclass(slots=True)
class ShapeTable:
    """The number of each attempt's shape, by generator; 0 if the ledger has none."""

    shapes: list[str] = field(default_factory=list)
    _numbers: dict[str, int] = field(default_factory=dict)
    _rows: dict[int, Integers32] = field(default_factory=dict)

    def add(
        self, generators: Integers32, seqs: Integers, shapes: Sequence[str], places: Integers32
    ) -> None:
        """Add attempts: their generators, sequence numbers, and places in `shapes`."""
        numbers = np.array([self._number(shape) for shape in shapes], np.int32)[places]
        for generator in map(int, np.unique(generators)):
            is_one = generators == generator
            rows = self._rows_of(generator, int(seqs[is_one].max()) + 1)
            rows[seqs[is_one]] = numbers[is_one]

    def numbers(self, generators: Integers, seqs: Integers) -> Integers:
        """Return the number of each attempt's shape."""
        numbers: Integers = np.zeros(len(seqs), np.int64)
        for generator, rows in self._rows.items():
            is_one = (generators == generator) & (seqs < len(rows))
            numbers[is_one] = rows[seqs[is_one]]
        return numbers

    def of(self, generator: int, seq: int) -> Sequence[str]:
        """Return an attempt's shape in a sequence, which is empty if the ledger has none."""
        rows = self._rows.get(generator)
        number = 0 if rows is None or seq >= len(rows) else int(rows[seq])
        return self.shapes[number - 1 : number] if number else ()

    def _number(self, shape: str) -> int:
        number = self._numbers.get(shape)
        if number is None:
            self.shapes.append(shape)
            number = self._numbers[shape] = len(self.shapes)
        return number

    def _rows_of(self, generator: int, length: int) -> Integers32:
        rows = self._rows.get(generator, np.zeros(0, np.int32))
        if len(rows) < length:
            rows = np.pad(rows, (0, max(length, 2 * len(rows)) - len(rows)))
            self._rows[generator] = rows
        return rows
