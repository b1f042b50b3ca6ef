"""Publish delay: the time from an event's acknowledgement to its timestamp in the topic."""

from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.dataset as ds

from headcount.run.outcome import Outcome
from headcount_analysis.arrow_types import Integers
from headcount_analysis.classes_and_flags import Fate
from headcount_analysis.measure.clocks import GROUP_EVENTS

LONGEST_MS = 86_400_000
"""Longer delays are ignored: they come from timestamps in another unit."""
EARLY_PERCENTILE = 10
"""Delays are measured from this percentile, so that the clock offset cancels out."""


def longest_delay_s(fates: Path) -> float | None:
    """Return how much later the latest event came than the early ones, in s; None without events.

    Measured within each generator, because their clocks differ. Raises OSError.
    """
    arrived = (pc.field("fate") == Fate.DELIVERED.value) & (
        pc.field("outcome") == Outcome.ACKED.value
    )
    rows = ds.dataset(fates, format="parquet").to_table(
        columns=["generator", "answered_at_ns", "broker_at_ms"], filter=arrived
    )
    rows = rows.drop_null()
    generators = rows["generator"].to_numpy()
    delays_ms = rows["broker_at_ms"].to_numpy() - rows["answered_at_ns"].to_numpy() // 1_000_000
    is_usable = np.abs(delays_ms) <= LONGEST_MS
    generators, delays_ms = generators[is_usable], delays_ms[is_usable]
    if not len(delays_ms):
        return None
    parts = _by_generator(generators, delays_ms)
    overall_ms = _early_ms(delays_ms)
    return max(float(part.max()) - _usual_ms(part, overall_ms) for part in parts) / 1000


def _by_generator(generators: Integers, delays_ms: Integers) -> list[Integers]:
    order = np.argsort(generators, kind="stable")
    starts = np.flatnonzero(np.diff(generators[order])) + 1
    return np.split(delays_ms[order], starts)


def _usual_ms(delays_ms: Integers, overall_ms: float) -> float:
    """Return a generator's early delay; few events do not show that its clock is behind."""
    early_ms = _early_ms(delays_ms)
    return early_ms if len(delays_ms) >= GROUP_EVENTS else min(early_ms, overall_ms)


def _early_ms(delays_ms: Integers) -> float:
    return float(np.percentile(delays_ms, EARLY_PERCENTILE))
