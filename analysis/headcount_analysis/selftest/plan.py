"""The plan: which attempt of a generated run is harmed, and how.

A verifier errs at edges, so faults go there first: to the first and last attempt of each partition,
and to both sides of the borders between blocks of 4,096 sequence numbers; the rest is spread at
random.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from random import Random

from headcount.run.ids import TAG_BITS, tag_of
from headcount_analysis.selftest.faults import SWAPS, Fault

BLOCK = 1 << 12
GENERATORS = 2
PARTITIONS = 4

Place = tuple[int, int]
"""An attempt: its generator and its sequence number."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A run of `events` attempts, and what is done to some of them."""

    run_id: str
    tag: str
    events: int
    faults: Mapping[Place, Fault]

    def attempted(self, generator: int) -> int:
        """How many attempts a generator makes."""
        return attempted(self.events, generator)

    def partition(self, place: Place) -> int:
        """The partition that an attempt's event belongs to: that of the one it is swapped with."""
        generator, seq = place
        before = self.faults.get((generator, seq - 1))
        return partition_of(seq - 1 if before in SWAPS else seq)


def attempted(events: int, generator: int) -> int:
    """How many of the attempts a generator makes."""
    return len(range(generator, events, GENERATORS))


def partition_of(seq: int) -> int:
    """The partition of an attempt that is swapped with none."""
    return seq % PARTITIONS


def make_plan(run_id: str, events: int, faults: Sequence[Fault], count: int, seed: int) -> Plan:
    """Plan `count` faults of the kinds given, in turn; fewer where there is no room for so many."""
    random = Random(f"{run_id}.{seed}")  # noqa: S311 - where a test looks
    tag = tag_of(random.getrandbits(TAG_BITS))
    kinds = list(islice(cycle(faults), count))
    random.shuffle(kinds)
    places = _places(events, count, random)
    planned: dict[Place, Fault] = {}
    taken: set[Place] = set()
    for fault in kinds:
        for generator, seq in places:
            needed = (
                {(generator, seq), (generator, seq + 1)} if fault in SWAPS else {(generator, seq)}
            )
            if max(needed)[1] < attempted(events, generator) and not needed & taken:
                taken |= needed
                planned[generator, seq] = fault
                break
    return Plan(run_id, tag, events, planned)


def _places(events: int, count: int, random: Random) -> Iterator[Place]:
    """Give places to harm, the edges first; some come twice."""
    yield from _ends(events)
    borders = [
        (generator, seq)
        for generator in range(GENERATORS)
        for border in range(BLOCK, attempted(events, generator), BLOCK)
        for seq in (border - 1, border)
    ]
    yield from random.sample(borders, len(borders))
    for index in random.sample(range(events), min(events, 4 * count)):
        yield index % GENERATORS, index // GENERATORS


def _ends(events: int) -> Iterator[Place]:
    """Give the first and the last attempts, each in a partition of its own."""
    for generator in range(GENERATORS):
        last = attempted(events, generator)
        for seq in (*range(PARTITIONS), *range(last - PARTITIONS, last)):
            if 0 <= seq < last:
                yield generator, seq
