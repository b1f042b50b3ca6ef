"""Histograms: what an executor sends is as large as what it counted."""

import pickle

import numpy as np
import pyarrow as pa
from headcount_analysis.measure.histogram import BY_PLACE, COUNTED, by_keys


def test_counts_are_sent_once() -> None:
    """Grouped rows come in chunks that share buffers; each chunk would be sent with all rows."""
    rows = 200_000
    numbers = np.arange(rows)
    columns = {
        "event_type": np.full(rows, "a"),
        "measure": np.full(rows, "http"),
        **{name: numbers for name in COUNTED.names if name not in {"event_type", "measure"}},
    }
    counts = pa.table({name: columns[name] for name in COUNTED.names}).cast(COUNTED)
    sums = by_keys([counts, counts], BY_PLACE)
    assert len(sums) == rows
    assert len(pickle.dumps(sums)) < 1.2 * sums.nbytes
