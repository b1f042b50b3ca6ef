"""Event types: the names by which attempts and messages are counted."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from headcount.ledger.event_types import UNKNOWN


def known_types(types: pa.ChunkedArray, event_types: Sequence[str]) -> pa.DictionaryArray:
    """Replace event types that no generator requested, and null, with `(unknown)`."""
    names = [UNKNOWN, *(name for name in event_types if name != UNKNOWN)]
    whole = types.combine_chunks().dictionary_encode()
    known = pc.index_in(whole.dictionary, pa.array(names, pa.string()))
    return pa.DictionaryArray.from_arrays(known.take(whole.indices).fill_null(0), names)
