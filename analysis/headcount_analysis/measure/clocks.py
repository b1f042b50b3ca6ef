"""Clocks: the offset between a generator's clock and the topic's, measured by the run itself.

An event gets its timestamp after its request was sent. Let s be the send time by the generator's
clock, t the timestamp by the topic's clock, and o the offset, the topic's clock minus the
generator's. Then o <= t - s always holds. If the service publishes before it answers, at time a,
then t - a <= o holds as well. Every delivered event gives such bounds, and together they are tight:
this is Cristian's method (Distributed Computing 3, 1989), applied to every request.
Timestamps are truncated to whole ms, which widens the upper bound by 1 ms.

If no single offset fits the whole run, either the service answers before it publishes, or the
clocks moved. Groups of neighbouring events show which: clocks seldom move, so one offset fits
nearly every group. If the service answers first, almost no group has an offset that fits.
"""

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headcount_analysis.arrow_types import Integers
from headcount_analysis.classes_and_flags import Fate

_NS_PER_MS = 1_000_000
GROUP_EVENTS = 20
"""A group of neighbouring events has at least this many, unless there are fewer in all."""
MOST_GROUPS = 32
_GROUPS_PER_MOVE = 20
"""The service answers first if two or more groups, and more than one in this many, have no offset
that fits. Otherwise the clocks may have moved: see `_has_moved`."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds on a generator's clock offset from a group of neighbouring events, in ns.

    `published_later` counts the events whose timestamp, converted to the generator's clock, is
    later than their response.
    """

    generator: int
    least_ns: int
    most_ns: int
    events: int = 1
    published_later: int = 0

    @property
    def is_consistent(self) -> bool:
        """Whether a single offset fits all of these events."""
        return self.least_ns <= self.most_ns


@dataclass(frozen=True, slots=True)
class ClockOffset:
    """Bounds on the offset to add to a generator's clock to get the topic's, in ns.

    `events` is how many events bound it; `published_later` of them were published after the
    response.
    """

    generator: int
    least_ns: int
    most_ns: int
    events: int = 0
    published_later: int = 0
    has_moved: bool = False

    @property
    def is_consistent(self) -> bool:
        """Whether a single offset fits the whole run."""
        return self.least_ns <= self.most_ns

    @property
    def answers_first(self) -> bool:
        """Whether the service answers before it publishes."""
        return not self.is_consistent and not self.has_moved

    @property
    def offset_ms(self) -> float:
        """The middle of the bounds, or the upper bound if the service answers first."""
        at_ns = self.most_ns if self.answers_first else (self.least_ns + self.most_ns) / 2
        return at_ns / _NS_PER_MS

    @property
    def uncertainty_ms(self) -> float:
        """Half the distance between the bounds; negative if no single offset fits the whole run."""
        return (self.most_ns - self.least_ns) / 2 / _NS_PER_MS

    @property
    def is_apart(self) -> bool:
        """Whether the clocks must differ.

        The topic's clock counts as ahead only if at least GROUP_EVENTS events say so.
        """
        is_ahead = self.is_consistent and self.least_ns > 0 and self.events >= GROUP_EVENTS
        return not self.has_moved and (self.most_ns < 0 or is_ahead)

    @property
    def correction_ms(self) -> int:
        """The ms to subtract from timestamps to convert them to the generator's clock."""
        return round(self.offset_ms) if self.is_apart else 0

    @property
    def error_ms(self) -> tuple[float, float]:
        """By how many ms the true end-to-end time may be below, and above, the corrected one.

        An apparently positive offset may be a delay instead: the service may answer first, and
        always publish that long afterwards.
        """
        if self.has_moved:
            return -2 * self.uncertainty_ms, -2 * self.uncertainty_ms
        if self.answers_first and self.is_apart:
            return 0.0, math.inf
        return 0.0, max(0.0, float(self.correction_ms))

    @property
    def doubt(self) -> str:
        """Why end-to-end times are uncertain; empty if they are not."""
        if self.has_moved:
            return (
                f"the clock of generator {self.generator} and the topic's clock shifted relative "
                f"to each other by at least {-2 * self.uncertainty_ms:,.1f} ms"
            )
        if self.error_ms == (0.0, 0.0):
            return ""
        if self.answers_first:
            return (
                f"the topic's clock is behind that of generator {self.generator} by at least "
                f"{-self.offset_ms:,.1f} ms, and the service answers before it publishes, so the "
                "exact offset is unknown"
            )
        return (
            f"either the topic's clock is {self.offset_ms:,.1f} ms ahead of that of generator "
            f"{self.generator}, or the service publishes that much later than it answers"
        )


def bounds(fates: pa.Table) -> tuple[Bounds, ...]:
    """Bound each generator's offset by groups of delivered events, rows of `reconcile.FATES`."""
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
    columns = (column.tolist() for column in (generator[starts], least, most, events, later))
    return tuple(Bounds(*row) for row in zip(*columns, strict=True))


def _group_starts(generator: Integers) -> Integers:
    """Split rows into groups of neighbours from the same generator; return where each begins."""
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
    """Combine all bounds on each generator's offset; the result is ordered by generator."""
    by_generator: dict[int, list[Bounds]] = {}
    for part in parts:
        by_generator.setdefault(part.generator, []).append(part)
    return tuple(
        ClockOffset(
            number,
            *_common(groups),
            events=sum(group.events for group in groups),
            published_later=sum(group.published_later for group in groups),
            has_moved=_has_moved(groups),
        )
        for number, groups in sorted(by_generator.items())
    )


def _common(groups: Sequence[Bounds]) -> tuple[int, int]:
    return max(group.least_ns for group in groups), min(group.most_ns for group in groups)


def _has_moved(groups: Sequence[Bounds]) -> bool:
    """Return whether nearly every group has an offset that fits, but no offset fits them all."""
    consistent = [group for group in groups if group.is_consistent]
    inconsistent = len(groups) - len(consistent)
    if not consistent or inconsistent > max(1, len(groups) // _GROUPS_PER_MOVE):
        return False
    least_ns, most_ns = _common(consistent)
    return least_ns > most_ns


def corrections_ms(clocks: Iterable[ClockOffset]) -> dict[int, int]:
    """Return the ms to subtract from timestamps, by generator, where not zero."""
    return {clock.generator: clock.correction_ms for clock in clocks if clock.correction_ms}
