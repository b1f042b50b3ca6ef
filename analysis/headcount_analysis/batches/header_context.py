"""Header contexts: numbers for the values of those headers that the content depends on."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headcount_analysis.arrow_types import Integers
from headcount_analysis.id_places.header_place import header_column

Values = tuple[bytes | None, ...]


def context_of(
    headers: pa.Array, names: Sequence[str], required: Sequence[str], known: dict[Values, int]
) -> Integers:
    """Return a number for each message: equal only if the named headers have equal values.

    Of the `required` headers, it only matters whether they are there.

    A message in which one of them occurs twice gets a number of its own. `known` has the numbers
    given so far.
    """
    read = [header_column(headers, name) for name in (*names, *required)]
    columns = [column.texts.dictionary_encode() for column in read[: len(names)]]
    columns += [_presence(column.texts) for column in read[len(names) :]]
    place = np.zeros(len(headers), np.int64)
    for column in columns:
        codes = column.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        place = place * (len(column.dictionary) + 1) + codes + 1
    distinct, first, inverse = np.unique(place, return_index=True, return_inverse=True)
    numbers = np.zeros(len(distinct), np.int64)
    for at, row in enumerate(first):
        values = tuple(column[int(row)].as_py() for column in columns)
        numbers[at] = known.setdefault(values, len(known))
    numbered: Integers = numbers[inverse]
    is_sure = np.logical_and.reduce([column.is_sure for column in read])
    for row in np.flatnonzero(~is_sure):
        numbered[row] = len(known)
        known[(b"twice", str(len(known)).encode())] = len(known)
    return numbered


def _presence(texts: pa.Array) -> pa.DictionaryArray:
    is_there = pc.if_else(texts.is_valid(), b"there", pa.scalar(None, pa.binary()))
    return is_there.cast(pa.binary()).dictionary_encode()
