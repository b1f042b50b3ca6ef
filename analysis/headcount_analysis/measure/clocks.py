"""Clocks: how far a generator's clock and the topic's are apart, measured by the run itself.

An event got its timestamp after its request was sent. So with s for that time in the generator's
clock, and t for the timestamp in the topic's, the offset o between them, topic's less generator's,
is at most t - s. That is certain. A service that publishes before it answers, at the time a, bounds
the offset from below, too: t - a <= o. Every delivered event bounds it, and together they do so
narrowly: it is Cristian's measurement (Distributed Computing 3, 1989), made once for each request.
Timestamps are whole ms, cut off, which widens the upper bound by one.

Where no one offset fits the whole run, either the service answers before it publishes, or the
clocks moved. Neighbouring events tell which: a clock that moves, moves seldom, so that one offset
fits nearly every group of neighbours. A service that answers first spoils nearly every group.
"""

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headcount_analysis.arrow_types import Integers
from headcount_analysis.compare_run.classes import Fate

_NS_PER_MS = 1_000_000
GROUP_EVENTS = 20
"""So many neighbouring events, at least, bound the offset together."""
MOST_GROUPS = 32
_SPOILT_BY_A_MOVE = 20
"""Clocks moved if only one group in so many, or a single one, has no offset of its own."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds of a generator's offset by neighbouring events, in ns.

    `published_later` of them have a timestamp after the answer, by the offset that is known.
    """

    generator: int
    least_ns: int
    most_ns: int
    events: int = 1
    published_later: int = 0

    @property
    def is_consistent(self) -> bool:
        """Whether one offset fits all of these events."""
        return self.least_ns <= self.most_ns


@dataclass(frozen=True, slots=True)
class ClockOffset:
    """Bounds of what must be added to a generator's clock to have the topic's, in ns.

    `published_later` of the `events` that bound it were published after the answer.
    """

    generator: int
    least_ns: int
    most_ns: int
    events: int = 0
    published_later: int = 0
    has_moved: bool = False

    @property
    def is_consistent(self) -> bool:
        """Whether one offset fits the whole run."""
        return self.least_ns <= self.most_ns

    @property
    def answers_first(self) -> bool:
        """Whether the service answers before it publishes."""
        return not self.is_consistent and not self.has_moved

    @property
    def offset_ms(self) -> float:
        """The middle of the bounds, or the upper one alone if the service answers first."""
        at_ns = self.most_ns if self.answers_first else (self.least_ns + self.most_ns) / 2
        return at_ns / _NS_PER_MS

    @property
    def uncertainty_ms(self) -> float:
        """Half the distance of the bounds; negative where no one offset fits the whole run."""
        return (self.most_ns - self.least_ns) / 2 / _NS_PER_MS

    @property
    def is_apart(self) -> bool:
        """Whether the clocks cannot be the same; that the topic's is ahead takes some events."""
        is_ahead = self.is_consistent and self.least_ns > 0 and self.events >= GROUP_EVENTS
        return not self.has_moved and (self.most_ns < 0 or is_ahead)

    @property
    def correction_ms(self) -> int:
        """How many ms must be taken from timestamps to have them by the generator's clock."""
        return round(self.offset_ms) if self.is_apart else 0

    @property
    def error_ms(self) -> tuple[float, float]:
        """How much shorter and longer than its corrected time an event may really have taken.

        An offset that looks positive may as well be a delay: the service may answer first, and
        publish always as long after that.
        """
        if self.has_moved:
            return -2 * self.uncertainty_ms, -2 * self.uncertainty_ms
        if self.answers_first and self.is_apart:
            return 0.0, math.inf
        return 0.0, max(0.0, float(self.correction_ms))

    @property
    def doubt(self) -> str:
        """Say why times are as uncertain as that; empty where they are not."""
        if self.has_moved:
            return (
                f"the clocks of generator {self.generator} and of the topic moved against each "
                f"other by at least {-2 * self.uncertainty_ms:,.1f} ms"
            )
        if self.error_ms == (0.0, 0.0):
            return ""
        if self.answers_first:
            return (
                f"the topic's clock is behind that of generator {self.generator} by at least "
                f"{-self.offset_ms:,.1f} ms, and the service answers before it publishes, so that "
                "nothing tells by how much"
            )
        return (
            f"either the topic's clock is {self.offset_ms:,.1f} ms ahead of that of generator "
            f"{self.generator}, or the service publishes that long after it answers"
        )


def bounds(fates: pa.Table) -> tuple[Bounds, ...]:
    """Bound each generator's offset by neighbouring delivered events, of `reconcile.FATES`."""
    is_measured = pc.and_(
        pc.equal(fates["fate"], Fate.DELIVERED.value),
        pc.and_(fates["entered_at_ns"].is_valid(), fates["answered_at_ns"].is_valid()),
    )
    names = ["generator", "sent_at_ns", "answered_at_ns", "broker_at_ms", "entered_at_ns"]
    rows = fates.select(names).filter(is_measured.fill_null(False))
    if not len(rows):
        return ()
    generator, sent, answered, broker_ms, entered = (rows[name].to_numpy() for name in names)
    broker = broker_ms * _NS_PER_MS
    starts = _group_starts(generator)
    least = np.maximum.reduceat(broker - answered, starts)
    most = np.minimum.reduceat(broker + _NS_PER_MS - sent, starts)
    later = np.add.reduceat((entered > answered).astype(np.int64), starts)
    events = np.diff(starts, append=len(generator))
    columns = (each.tolist() for each in (generator[starts], least, most, events, later))
    return tuple(Bounds(*row) for row in zip(*columns, strict=True))


def _group_starts(generator: Integers) -> Integers:
    """Cut rows into groups of neighbours, each of one generator."""
    changes = np.flatnonzero(np.diff(generator)) + 1
    edges = [0, *changes.tolist(), len(generator)]
    starts = [
        np.linspace(first, end, _groups(end - first), endpoint=False).astype(np.int64)
        for first, end in itertools.pairwise(edges)
    ]
    return np.concatenate(starts)


def _groups(events: int) -> int:
    return max(1, min(MOST_GROUPS, events // GROUP_EVENTS))


def merged(parts: Iterable[Bounds]) -> tuple[ClockOffset, ...]:
    """Bound each generator's offset by all that bounds it, in the order of the generators."""
    by_generator: dict[int, list[Bounds]] = {}
    for part in parts:
        by_generator.setdefault(part.generator, []).append(part)
    return tuple(
        ClockOffset(
            number,
            *_common(groups),
            events=sum(each.events for each in groups),
            published_later=sum(each.published_later for each in groups),
            has_moved=_has_moved(groups),
        )
        for number, groups in sorted(by_generator.items())
    )


def _common(groups: Sequence[Bounds]) -> tuple[int, int]:
    return max(each.least_ns for each in groups), min(each.most_ns for each in groups)


def _has_moved(groups: Sequence[Bounds]) -> bool:
    """Tell whether single groups have offsets, and all of them together have none."""
    sound = [each for each in groups if each.is_consistent]
    spoilt = len(groups) - len(sound)
    if not sound or spoilt > max(1, len(groups) // _SPOILT_BY_A_MOVE):
        return False
    least_ns, most_ns = _common(sound)
    return least_ns > most_ns


def corrections_ms(clocks: Iterable[ClockOffset]) -> dict[int, int]:
    """Give by generator what is taken from timestamps, where that is anything."""
    return {each.generator: each.correction_ms for each in clocks if each.correction_ms}
