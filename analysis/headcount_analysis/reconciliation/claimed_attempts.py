"""Claimed attempts: finds each message's attempt, and messages that differ from their attempt."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headcount_analysis.arrow_types import Flags, Integers


def attempt_rows(attempts: pa.Table, claimed: pa.Table, first_seq: int) -> Integers:
    """Return, for each message, the row of the attempt that it claims.

    Args:
        attempts: The attempts of a block, of `attempts.COLUMNS`, in one chunk.
        claimed: Messages that claim one of them, of `kinds.ARRIVALS`, in one chunk.
        first_seq: The first sequence number of the block.
    """
    generators = attempts["generator"].to_numpy()
    known = np.unique(generators)
    width = int(pc.max(attempts["seq"]).as_py() or 0) - first_seq + 1

    def places(table: pa.Table) -> Integers:
        line = np.searchsorted(known, table["generator"].to_numpy())
        place: Integers = line * width + (table["seq"].to_numpy() - first_seq)
        return place

    row_at = np.full(len(known) * width, -1, np.int64)
    row_at[places(attempts)] = np.arange(len(attempts))
    number = claimed["seq"].to_numpy() - first_seq
    is_within = np.isin(claimed["generator"].to_numpy(), known) & (number >= 0) & (number < width)
    assert is_within.all(), "a message claims an attempt of another block"
    rows: Integers = row_at[places(claimed)]
    assert (rows >= 0).all(), "a message claims an attempt that does not exist"
    return rows


def differs(attempts: pa.Table, claimed: pa.Table, row: Integers) -> Flags:
    """Mark messages whose content differs from the request; False if that is unknown.

    `row` has the row of each message's attempt. Digests over different shapes are never equal.
    """
    if not len(row):
        return np.zeros(0, np.bool_)
    digests = claimed["digests"].combine_chunks()
    lengths = pc.list_value_length(digests).to_numpy()
    owner = np.repeat(np.arange(len(row)), lengths)
    asked = attempts["digest"].fill_null(0).to_numpy()[row]
    is_known = attempts["digest"].is_valid().to_numpy()[row]
    equal = np.zeros(len(row), np.bool_)
    equal[owner[digests.flatten().to_numpy() == asked[owner]]] = True
    is_different: Flags = is_known & ~equal
    return is_different
