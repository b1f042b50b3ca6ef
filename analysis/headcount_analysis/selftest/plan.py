"""The plan: which attempts of a generated run get which fault.

Verifiers tend to err at boundaries, so these come first: the first and last attempt of each
partition, and both sides of the boundary between two blocks of 4,096 sequence numbers. The
remaining faults are spread at random.
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

AttemptId = tuple[int, int]
"""An attempt: its generator and its sequence number."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A run of `events` attempts, and the faults of some of them."""

    run_id: str
    tag: str
    events: int
    faults: Mapping[AttemptId, Fault]

    def attempted(self, generator: int) -> int:
        """Return how many attempts a generator makes."""
        return attempted(self.events, generator)

    def partition(self, attempt: AttemptId) -> int:
        """Return the partition of an attempt's event; both attempts of a swap share one."""
        generator, seq = attempt
        before = self.faults.get((generator, seq - 1))
        return partition_of(seq - 1 if before in SWAPS else seq)


def attempted(events: int, generator: int) -> int:
    """Return how many of all attempts a generator makes."""
    return len(range(generator, events, GENERATORS))


def partition_of(seq: int) -> int:
    """Return the partition of an attempt that is not part of a swap."""
    return seq % PARTITIONS


def make_plan(run_id: str, events: int, faults: Sequence[Fault], count: int, seed: int) -> Plan:
    """Plan `count` faults, divided evenly among the kinds; fewer if the run is too short."""
    random = Random(f"{run_id}.{seed}")  # noqa: S311 - chooses test cases
    tag = tag_of(random.getrandbits(TAG_BITS))
    kinds = list(islice(cycle(faults), count))
    random.shuffle(kinds)
    candidates = _candidates(events, count, random)
    planned: dict[AttemptId, Fault] = {}
    taken: set[AttemptId] = set()
    for fault in kinds:
        for generator, seq in candidates:
            needed = (
                {(generator, seq), (generator, seq + 1)} if fault in SWAPS else {(generator, seq)}
            )
            if max(needed)[1] < attempted(events, generator) and not needed & taken:
                taken |= needed
                planned[generator, seq] = fault
                break
    return Plan(run_id, tag, events, planned)


def _candidates(events: int, count: int, random: Random) -> Iterator[AttemptId]:
    """Yield attempts that can get a fault, boundaries first; some occur twice."""
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


def _ends(events: int) -> Iterator[AttemptId]:
    """Yield each generator's first and last attempts, one per partition."""
    for generator in range(GENERATORS):
        last = attempted(events, generator)
        for seq in (*range(PARTITIONS), *range(last - PARTITIONS, last)):
            if 0 <= seq < last:
                yield generator, seq
