"""Header contexts: numbers for the values of those headers that the content depends on."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from headcount_analysis.arrow_types import Flags, Integers
from headcount_analysis.id_places.header_rows import HeaderRows

_MOST_REMEMBERED = 10_000
_MOST_COMBINATIONS = 1 << 62

_MISSING, _PRESENT = b"missing", b"present"

Values = tuple[tuple[bytes, bytes | None], ...]
"""For each header, whether it is there, and its value if that matters."""


@dataclass(slots=True)
class HeaderContexts:
    """Gives each message's context a number; numbers are equal only if the named headers are.

    Of the `required` headers, it only matters whether they are there. A message in which any header
    occurs twice gets a number of its own.
    """

    names: Sequence[str]
    required: Sequence[str]
    _numbers: dict[Values, int] = field(default_factory=dict)
    _next: int = 0

    @property
    def is_full(self) -> bool:
        """Whether there are too many contexts, so that they should be forgotten."""
        return len(self._numbers) > _MOST_REMEMBERED

    def forget(self) -> None:
        """Forget the contexts; their numbers are never used again."""
        self._numbers.clear()

    def numbers(self, headers: pa.Array) -> Integers:
        """Return the number of each message's context."""
        rows = HeaderRows.of(headers)
        columns = [_Column.of(rows, name, is_read=True) for name in self.names]
        columns += [_Column.of(rows, name, is_read=False) for name in self.required]
        place = np.zeros(len(headers), np.int64)
        combinations = 1
        for column in columns:
            combinations *= column.size
            if combinations > _MOST_COMBINATIONS:
                _, place = np.unique(place, return_inverse=True)
                combinations = (int(place.max(initial=0)) + 1) * column.size
            place = place * column.size + column.codes
        distinct, first, inverse = np.unique(place, return_index=True, return_inverse=True)
        numbers = np.zeros(len(distinct), np.int64)
        for at, row in enumerate(first):
            numbers[at] = self._number(tuple(column.value(int(row)) for column in columns))
        numbered: Integers = numbers[inverse]
        alone = np.flatnonzero(rows.has_repeated())
        numbered[alone] = self._next + np.arange(len(alone))
        self._next += len(alone)
        return numbered

    def _number(self, values: Values) -> int:
        number = self._numbers.setdefault(values, self._next)
        self._next += number == self._next
        return number


@dataclass(frozen=True, slots=True)
class _Column:
    """A header of each message; `codes` are below `size`, and equal for equal values."""

    is_there: Flags
    texts: pa.DictionaryArray | None
    codes: Integers
    size: int

    @classmethod
    def of(cls, rows: HeaderRows, name: str, *, is_read: bool) -> "_Column":
        """Make a column; for a header that is not read, only its presence matters."""
        values = rows.column(name)
        if not is_read:
            return cls(values.is_there, None, values.is_there.astype(np.int64), 2)
        texts = values.texts.dictionary_encode()
        codes = texts.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64) + 2
        size = len(texts.dictionary) + 2
        return cls(values.is_there, texts, np.where(values.is_there, codes, 0), size)

    def value(self, row: int) -> tuple[bytes, bytes | None]:
        """Return whether a message has the header, and its value."""
        text = None if self.texts is None else self.texts[row].as_py()
        return (_PRESENT if self.is_there[row] else _MISSING, text)
