"""The schedule: which arrivals are due when, and which generator each of them belongs to.

An arrival stands at a *position*: how many the plan has due before it. With constant spacing the
n-th stands at n; with Poisson spacing the positions are a Poisson process of rate 1, which the plan
stretches into one of its rate (time rescaling). All generators draw the same one from the run's
seed, in blocks that can be had without those before, and each takes its share of it: no arrival is
made twice or by nobody, whoever comes and goes. Pure.
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
"""Positions from one multiple of it to the next are drawn from a source of their own."""


class Spacing(StrEnum):
    """How arrivals follow each other."""

    CONSTANT = "constant"
    POISSON = "poisson"


@dataclass(frozen=True, slots=True)
class Span:
    """Positions from `first` up to `end`, and the generators that take turns in them."""

    first: float
    end: float
    generators: tuple[int, ...]

    def owner(self, number: int) -> int:
        """The generator that an arrival of the span belongs to."""
        return self.generators[number % len(self.generators)]


@dataclass(frozen=True, slots=True)
class Schedule:
    """All arrivals of a run, the same for every generator."""

    plan: RatePlan
    spacing: Spacing
    seed: str

    def arrivals(self, first: float, end: float) -> Iterator[tuple[int, float]]:
        """Number and position of each arrival at a position from `first` up to `end`, in order."""
        if self.spacing is Spacing.CONSTANT:
            # A count of arrivals fits a float exactly up to 2**53.
            return ((number, number) for number in range(math.ceil(first), math.ceil(end)))
        blocks = range(int(first // BLOCK), math.ceil(end / BLOCK))
        drawn = itertools.chain.from_iterable(self._block(block) for block in blocks)
        return (arrival for arrival in drawn if first <= arrival[1] < end)

    def share(self, span: Span, generator: int) -> Iterator[float]:
        """When each arrival of a span that is a generator's own is due, in seconds of the run."""
        if generator not in span.generators:
            return
        if self.spacing is Spacing.CONSTANT:
            yield from map(self.plan.due_at, _turns(span, generator))
            return
        for number, position in self.arrivals(span.first, span.end):
            if span.owner(number) == generator:
                yield self.plan.due_at(position)

    def shares(self, span: Span) -> Counter[int]:
        """How many arrivals of a span each generator has."""
        if not span.generators:
            return Counter()
        if self.spacing is Spacing.CONSTANT:  # which need not be counted one by one
            turns = {generator: len(_turns(span, generator)) for generator in span.generators}
            return Counter({generator: turn for generator, turn in turns.items() if turn})
        return Counter(span.owner(number) for number, _ in self.arrivals(span.first, span.end))

    def _block(self, block: int) -> Iterator[tuple[int, float]]:
        """Draw a block; that each begins anew is no matter, for the process has no memory."""
        random = Random(f"{self.seed}.arrivals.{block}")  # noqa: S311 - traffic
        position = float(block * BLOCK)
        for number in itertools.count(block * BLOCK):
            position += random.expovariate(1.0)
            if position >= (block + 1) * BLOCK:
                return
            yield number, position


def _turns(span: Span, generator: int) -> range:
    """The numbers of a generator's own arrivals in a span, where each stands at its number."""
    first, end = math.ceil(span.first), math.ceil(span.end)
    count = len(span.generators)
    return range(first + (span.generators.index(generator) - first) % count, end, count)


class Division:
    """Divides a schedule among the generators that are there: each position once, for good."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._end = 0.0
        self._uncounted: deque[Span] = deque()
        self._due: Counter[int] = Counter()

    def next_span(self, until_s: float, generators: Iterable[int]) -> Span | None:
        """Divide what is due until a moment of the run and is not divided yet; None if nothing."""
        end = self._schedule.plan.expected(until_s)
        if end <= self._end:
            return None
        span = Span(self._end, end, tuple(sorted(generators)))
        self._end = end
        self._uncounted.append(span)
        return span

    def due(self, elapsed_s: float) -> dict[int, int]:
        """How many arrivals of each generator have been due; moments must not go backwards."""
        reached = self._schedule.plan.expected(elapsed_s)
        while self._uncounted and self._uncounted[0].first < reached:
            span = self._uncounted.popleft()
            part = replace(span, end=min(span.end, reached))
            self._due += self._schedule.shares(part)
            if part.end < span.end:
                self._uncounted.appendleft(replace(span, first=part.end))
        return dict(self._due)


def parse_spacing(text: str) -> Spacing:
    """Read a spacing. UsageError if it is none."""
    try:
        return Spacing(text.strip())
    except ValueError:
        raise UsageError(f"--spacing must be {' or '.join(Spacing)}, got {text!r}") from None
