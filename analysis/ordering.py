"""Ordering: which events stand in the topic behind one that began after they were answered.

An event is ordered against those of the same generator, partition and message key. What has no key
or was never seen is ordered against nothing; of several copies the first one counts.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from analysis.arrays import Integers

LINE = ("generator", "seq", "partition", "offset", "key_hash", "sent_at_ns", "answered_at_ns")
"""The columns of `reconcile.FATES` that are looked at."""


def ordered(fates: pa.Table) -> pa.Table:
    """Give the rows of LINE that are ordered against others, from rows of `reconcile.FATES`."""
    is_ordered = pc.and_(fates["key_hash"].is_valid(), fates["sent_at_ns"].is_valid())
    return fates.select(list(LINE)).filter(is_ordered)


def reordered(line: pa.Table) -> pa.Table:
    """Give the generator and seq of those that are reordered.

    Args:
        line: Rows of LINE, in one chunk; all that there are of each generator, partition and key.
    """
    # A line of all keys together is quick to look at, and what is in order there is so in its own.
    suspects = _overtaken(line, ("generator", "partition"))
    if not len(suspects):
        return line.select(["generator", "seq"])[:0]
    keys = pc.unique(line["key_hash"].take(pa.array(suspects)))
    mine = line.filter(pc.is_in(line["key_hash"], keys)).combine_chunks()
    rows = _overtaken(mine, ("generator", "partition", "key_hash"))
    return mine.select(["generator", "seq"]).take(pa.array(rows))


def _overtaken(line: pa.Table, group: Sequence[str]) -> Integers:
    """Give the rows before which a later request of their group stands."""
    columns = [line[name].to_numpy() for name in group]
    order = np.lexsort((line["offset"].to_numpy(), *columns))
    is_first = np.ones(len(order), np.bool_)
    is_first[1:] = np.logical_or.reduce([(each[order][1:] != each[order][:-1]) for each in columns])
    sent = pd.Series(line["sent_at_ns"].to_numpy()[order])
    latest = sent.groupby(np.cumsum(is_first)).cummax().to_numpy()
    before = np.where(is_first, np.iinfo(np.int64).min, np.roll(latest, 1))
    # A request that got no answer was overtaken by none.
    answered = line["answered_at_ns"].fill_null(np.iinfo(np.int64).max).to_numpy()[order]
    rows: Integers = order[before > answered]
    return rows
