"""Clocks: how far a generator's clock and the topic's are apart, measured by the run itself.

An acknowledged event got its timestamp after its request was sent, and before the answer came. So
with s and a for the two in the generator's clock, and t for the timestamp in the topic's, the
offset o between them, topic's less generator's, lies in t - a <= o <= t - s. Every delivered event
bounds it, and together they do so narrowly: it is Cristian's measurement (Distributed Computing 3,
1989), made once for each request. Timestamps are whole ms, cut off, which widens the upper bound
by one.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from analysis.classes import Fate

_NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class ClockOffset:
    """Bounds of what must be added to a generator's clock to have the topic's, in ns."""

    generator: int
    least_ns: int
    most_ns: int

    @property
    def offset_ms(self) -> float:
        """The middle of the bounds."""
        return (self.least_ns + self.most_ns) / 2 / _NS_PER_MS

    @property
    def uncertainty_ms(self) -> float:
        """Half the distance of the bounds; negative where no one offset fits the whole run."""
        return (self.most_ns - self.least_ns) / 2 / _NS_PER_MS

    @property
    def is_steady(self) -> bool:
        """Whether one offset fits the whole run; if not, a clock was set or ran at another rate."""
        return self.least_ns <= self.most_ns

    @property
    def is_apart(self) -> bool:
        """Whether the clocks cannot be the same."""
        return not self.least_ns <= 0 <= self.most_ns


def clock_offsets(fates: pa.Table) -> tuple[ClockOffset, ...]:
    """Bound each generator's offset by some of its attempts, of `reconcile.FATES`."""
    times = fates.select(["generator", "sent_at_ns", "answered_at_ns", "broker_at_ms"])
    delivered = times.filter(pc.equal(fates["fate"], Fate.DELIVERED.value))
    broker_at_ns = pc.multiply(delivered["broker_at_ms"], _NS_PER_MS)
    bounds = pa.table(
        {
            "generator": delivered["generator"],
            "least": pc.subtract(broker_at_ns, delivered["answered_at_ns"]),
            "most": pc.subtract(pc.add(broker_at_ns, _NS_PER_MS), delivered["sent_at_ns"]),
        }
    )
    found = bounds.group_by("generator", use_threads=False).aggregate(
        [("least", "max"), ("most", "min")]
    )
    return tuple(
        ClockOffset(row["generator"], row["least_max"], row["most_min"])
        for row in found.to_pylist()
    )


def merged(parts: Iterable[ClockOffset]) -> tuple[ClockOffset, ...]:
    """Bound each generator's offset by all that bounds it, in the order of the generators."""
    found: dict[int, ClockOffset] = {}
    for part in parts:
        known = found.get(part.generator, part)
        least, most = max(known.least_ns, part.least_ns), min(known.most_ns, part.most_ns)
        found[part.generator] = ClockOffset(part.generator, least, most)
    return tuple(found[number] for number in sorted(found))
