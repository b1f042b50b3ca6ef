"""The schedule: when each arrival is due, and which generator makes it.

An arrival has a *position*: the number of arrivals that the plan expects before it. With constant
spacing the n-th arrival is at position n. With Poisson spacing the positions are a Poisson process
of rate 1, which the plan stretches to its own rate (time rescaling). All generators draw the same
process from the run's seed, and each makes its share. They draw it in blocks that do not depend on
earlier ones, so that each arrival is made exactly once even if generators join or leave. Pure.
"""

import itertools
import math
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random

from headcount.errors import UsageError
from headcount.open_model.rate import RatePlan

BLOCK = 1024
"""Each block of this many positions is drawn from a random source of its own."""


class Spacing(StrEnum):
    """How arrivals are spaced in time."""

    CONSTANT = "constant"
    POISSON = "poisson"


@dataclass(frozen=True, slots=True)
class Span:
    """Positions from `first` up to `end`, and the generators that take turns in them."""

    first: float
    end: float
    generators: tuple[int, ...]

    def owner(self, number: int) -> int:
        """The generator that makes an arrival of the span."""
        return self.generators[number % len(self.generators)]


@dataclass(frozen=True, slots=True)
class Schedule:
    """All arrivals of a run; identical in every generator."""

    plan: RatePlan
    spacing: Spacing
    seed: str

    def arrivals(self, first: float, end: float) -> Iterator[tuple[int, float]]:
        """Number and position of each arrival in [`first`, `end`), in order."""
        if self.spacing is Spacing.CONSTANT:
            # A float represents a count of arrivals exactly up to 2**53.
            return ((number, number) for number in range(math.ceil(first), math.ceil(end)))
        blocks = range(int(first // BLOCK), math.ceil(end / BLOCK))
        drawn = itertools.chain.from_iterable(self._block(block) for block in blocks)
        return (arrival for arrival in drawn if first <= arrival[1] < end)

    def share(self, span: Span, generator: int) -> Iterator[float]:
        """When each of a generator's arrivals in a span is due, in s from the schedule's start."""
        if generator not in span.generators:
            return
        if self.spacing is Spacing.CONSTANT:
            yield from map(self.plan.due_at, _turns(span, generator))
            return
        for number, position in self.arrivals(span.first, span.end):
            if span.owner(number) == generator:
                yield self.plan.due_at(position)

    def shares(self, span: Span) -> Counter[int]:
        """The number of arrivals in a span, by generator."""
        if not span.generators:
            return Counter()
        if self.spacing is Spacing.CONSTANT:  # no need to count one by one
            turns = {generator: len(_turns(span, generator)) for generator in span.generators}
            return Counter({generator: turn for generator, turn in turns.items() if turn})
        return Counter(span.owner(number) for number, _ in self.arrivals(span.first, span.end))

    def _block(self, block: int) -> Iterator[tuple[int, float]]:
        """Draw a block; blocks can be drawn independently because the process is memoryless."""
        random = Random(f"{self.seed}.arrivals.{block}")  # noqa: S311 - traffic
        position = float(block * BLOCK)
        for number in itertools.count(block * BLOCK):
            position += random.expovariate(1.0)
            if position >= (block + 1) * BLOCK:
                return
            yield number, position


def _turns(span: Span, generator: int) -> range:
    """The numbers of a generator's arrivals in a span with constant spacing."""
    first, end = math.ceil(span.first), math.ceil(span.end)
    count = len(span.generators)
    return range(first + (span.generators.index(generator) - first) % count, end, count)


class Division:
    """Divides a schedule among the live generators; each position is assigned only once."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._end = 0.0
        self._uncounted: deque[Span] = deque()
        self._due: Counter[int] = Counter()

    def next_span(self, until_s: float, generators: Iterable[int]) -> Span | None:
        """Assign the positions due by `until_s` and not yet assigned; None if there are none."""
        end = self._schedule.plan.expected(until_s)
        if end <= self._end:
            return None
        span = Span(self._end, end, tuple(sorted(generators)))
        self._end = end
        self._uncounted.append(span)
        return span

    def due(self, elapsed_s: float) -> dict[int, int]:
        """The number of arrivals due so far, by generator; `elapsed_s` must never decrease."""
        reached = self._schedule.plan.expected(elapsed_s)
        while self._uncounted and self._uncounted[0].first < reached:
            span = self._uncounted.popleft()
            part = replace(span, end=min(span.end, reached))
            self._due += self._schedule.shares(part)
            if part.end < span.end:
                self._uncounted.appendleft(replace(span, first=part.end))
        return dict(self._due)


def parse_spacing(text: str) -> Spacing:
    """Parse a spacing. UsageError if it is invalid."""
    try:
        return Spacing(text.strip())
    except ValueError:
        raise UsageError(f"--spacing must be {' or '.join(Spacing)}, got {text!r}") from None
