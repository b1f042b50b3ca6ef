"""Header rows: the record headers of a batch's messages, by name.

Names are compared without regard to case, as Unicode folds it.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from headcount_analysis.arrow_types import Flags, Integers


@dataclass(frozen=True, slots=True)
class HeaderColumn:
    """A header of each message: its value, which may be null, and whether it is there.

    Where it occurs more than once, the value is the last one.
    """

    texts: pa.Array
    is_there: Flags
    is_repeated: Flags


@dataclass(frozen=True, slots=True)
class HeaderRows:
    """All headers of a batch: the message of each, the number of its name, and its value."""

    rows: int
    owners: Integers
    codes: Integers
    names: tuple[str, ...]
    values: pa.Array

    @classmethod
    def of(cls, headers: pa.Array) -> "HeaderRows":
        """Read the headers of `topic_range.MESSAGES`; a message in which they are null has none."""
        entries = headers.flatten()
        encoded = entries.field("key").fill_null("").dictionary_encode()
        folded = [name.casefold() for name in encoded.dictionary.to_pylist()]
        names = tuple(dict.fromkeys(folded))
        number = {name: place for place, name in enumerate(names)}
        of_name = np.array([number[name] for name in folded], np.int64)
        codes = of_name[encoded.indices.to_numpy(zero_copy_only=False)]
        lengths = headers.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
        owners = np.repeat(np.arange(len(headers)), lengths)
        return cls(len(headers), owners, codes, names, entries.field("value"))

    def column(self, name: str) -> HeaderColumn:
        """Return a header of each message."""
        folded = name.casefold()
        code = self.names.index(folded) if folded in self.names else -1
        at = np.flatnonzero(self.codes == code)
        owners = self.owners[at]
        place = np.full(self.rows, -1, np.int64)
        place[owners] = at
        counts = np.bincount(owners, minlength=self.rows)
        texts = self.values.take(pa.array(place, mask=place < 0))
        return HeaderColumn(texts, counts > 0, counts > 1)

    def has_repeated(self) -> Flags:
        """Mark the messages in which a header occurs more than once."""
        pairs = self.owners * len(self.names) + self.codes
        _, first, counts = np.unique(pairs, return_index=True, return_counts=True)
        is_repeated = np.zeros(self.rows, np.bool_)
        is_repeated[self.owners[first[counts > 1]]] = True
        return is_repeated
