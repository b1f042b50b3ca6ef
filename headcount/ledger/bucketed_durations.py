"""Bucketed durations: how many durations are in each bucket of `logarithmic_buckets.py`. Pure."""

import pyarrow as pa
import pyarrow.compute as pc

from headcount.ledger.logarithmic_buckets import BUCKETS_PER_E


def counts_by_bucket(durations_us: pa.Array | pa.ChunkedArray) -> dict[int, int]:
    """Count durations by bucket."""
    logarithms = pc.ln(pc.max_element_wise(durations_us, 1))
    buckets = pc.cast(pc.floor(pc.multiply(logarithms, BUCKETS_PER_E)), pa.int32())
    values, counts = pc.value_counts(buckets).flatten()
    return dict(zip(values.to_pylist(), counts.to_pylist(), strict=True))
