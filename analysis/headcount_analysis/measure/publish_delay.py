"""Publish delay: the time from an event's acknowledgement to its timestamp in the topic."""

from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.dataset as ds

from headcount.run.outcome import Outcome
from headcount_analysis.classes_and_flags import Fate

LONGEST_MS = 86_400_000
"""Longer delays are ignored: they come from timestamps in another unit."""
EARLY = 10
"""Delays are measured from this percentile, so that the clock offset cancels out."""


def longest_delay_s(fates: Path) -> float | None:
    """Return how much later the latest event came than the early ones, in s; None without events.

    Raises OSError.
    """
    arrived = (pc.field("fate") == Fate.DELIVERED.value) & (
        pc.field("outcome") == Outcome.ACKED.value
    )
    rows = ds.dataset(fates, format="parquet").to_table(
        columns=["answered_at_ns", "broker_at_ms"], filter=arrived
    )
    rows = rows.drop_null()
    delays_ms = rows["broker_at_ms"].to_numpy() - rows["answered_at_ns"].to_numpy() // 1_000_000
    delays_ms = delays_ms[np.abs(delays_ms) <= LONGEST_MS]
    if not len(delays_ms):
        return None
    return float(delays_ms.max() - np.percentile(delays_ms, EARLY)) / 1000
