"""Run span: from the run's first request to its last response, by one clock.

Each generator has its own clock. The topic's clock connects them: its offset to each of them is
known within bounds (see `clocks.py`), so the offsets between generators are, too. Clocks that may
agree are taken as they are. Other clocks are corrected if every offset is known; otherwise only
the span of each generator alone is certain.
"""

import functools
import itertools
import math
import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow.compute as pc

from headcount_analysis.measure.clocks import GROUP_EVENTS, ClockOffset

_AGREEING_NS = 1_000_000_000
"""Even if the events of a generator fit no single offset, the clocks count as agreeing if the upper
bounds of all generators' offsets differ by no more than this."""


@dataclass(frozen=True, slots=True)
class RunSpan:
    """The first and last moment of a run in ns, after adding `shifts_ns` to generators' times.

    The times of two generators may still differ by `error_ns`, infinite if that is unknown; `doubt`
    says why. `longest_ns` is the longest span of one generator, which no clock error affects.
    """

    first_ns: int
    last_ns: int
    longest_ns: int
    shifts_ns: Mapping[int, int] = field(default_factory=dict)
    error_ns: float = 0.0
    doubt: str = ""

    @property
    def seconds(self) -> float:
        """The run's length in s, as measured."""
        return (self.last_ns - self.first_ns) / 1e9

    def is_sent_between(self, start_ns: int, end_ns: int) -> pc.Expression:
        """Select the requests sent in a part of the run, in rows of `reconcile.FATES`."""
        generator, sent = pc.field("generator"), pc.field("sent_at_ns")
        shifted = [shift for shift in self.shifts_ns.items() if shift[1]]
        is_other = ~generator.isin([number for number, _ in shifted])
        parts = [is_other & (sent >= start_ns) & (sent < end_ns)] + [
            (generator == number) & (sent >= start_ns - by_ns) & (sent < end_ns - by_ns)
            for number, by_ns in shifted
        ]
        return functools.reduce(operator.or_, parts)


@dataclass(frozen=True, slots=True)
class _Alignment:
    shifts_ns: Mapping[int, int] = field(default_factory=dict)
    error_ns: float = 0.0
    doubt: str = ""


def run_span(
    spans_ns: Mapping[int, tuple[int, int]], clocks: Iterable[ClockOffset]
) -> RunSpan | None:
    """Combine the spans of generators, by their own clocks; None if no request was sent."""
    if not spans_ns:
        return None
    alignment = _aligned(sorted(spans_ns), {clock.generator: clock for clock in clocks})
    shifts = alignment.shifts_ns
    return RunSpan(
        first_ns=min(first + shifts.get(number, 0) for number, (first, _) in spans_ns.items()),
        last_ns=max(last + shifts.get(number, 0) for number, (_, last) in spans_ns.items()),
        longest_ns=max(last - first for first, last in spans_ns.values()),
        shifts_ns=shifts,
        error_ns=alignment.error_ns,
        doubt=alignment.doubt,
    )


def _aligned(generators: Sequence[int], known: Mapping[int, ClockOffset]) -> _Alignment:
    """Find what to add to the times of each generator, and how certain that is."""
    if len(generators) == 1:
        return _Alignment()
    if unknown := [number for number in generators if number not in known]:
        return _unknown(f"no event shows by how much the clock of generator {unknown[0]} differs")
    clocks = [known[number] for number in generators]
    most = [clock.most_ns for clock in clocks]
    if not all(clock.is_consistent for clock in clocks):
        spread = max(most) - min(most)
        return _uncertain(spread) if spread <= _AGREEING_NS else _unknown(_APART)
    if max(clock.least_ns for clock in clocks) <= min(most):
        return _uncertain(max(_apart_ns(*pair) for pair in itertools.permutations(clocks, 2)))
    if any(clock.events < GROUP_EVENTS for clock in clocks):
        return _unknown(_APART)
    return _corrected(clocks)


_APART = "the clocks of the generators seem to differ by an unknown amount"


def _apart_ns(one: ClockOffset, other: ClockOffset) -> int:
    """Return by how much one offset may exceed another."""
    return one.most_ns - other.least_ns


def _unknown(doubt: str) -> _Alignment:
    return _Alignment(error_ns=math.inf, doubt=doubt)


def _uncertain(error_ns: float) -> _Alignment:
    doubt = f"the generators' clocks may differ by {error_ns / 1e9:,.3g} s"
    return _Alignment(error_ns=error_ns, doubt=doubt)


def _corrected(clocks: Sequence[ClockOffset]) -> _Alignment:
    """Convert all times to the clock of the first generator."""
    middles = {clock.generator: (clock.least_ns + clock.most_ns) // 2 for clock in clocks}
    first = middles[clocks[0].generator]
    widths = sorted(clock.most_ns - clock.least_ns for clock in clocks)
    error_ns = (widths[-1] + widths[-2]) / 2
    doubt = f"the generators' clocks differ, by up to {error_ns / 1e9:,.3g} s even after correction"
    shifts = {number: middle - first for number, middle in middles.items()}
    return _Alignment(shifts, error_ns, doubt)
