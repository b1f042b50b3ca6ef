"""The pace: arrivals at the rate that was asked for, whatever the service does (the open model).

The master, or the only process, grants the schedule piece by piece, a second ahead: which span of
it is divided among which generators. A position is granted once, so that no arrival is made twice,
whether a generator hangs, is cut off or comes back. When one leaves, the next span is the others',
and the total holds; what it had been granted until then is lost, and missed by its number.

Every generator counts time from when it first hears of the schedule: the clocks of hosts need not
agree, and a generator is behind by as long as that message took.
"""

import time
from collections import deque
from collections.abc import Callable, Collection, Iterator

import gevent
from gevent.event import Event
from gevent.pool import Group

from headcount.open_model.schedule import Division, Schedule, Span
from headcount.open_model.timer import Sleep, alarm
from headcount.open_model.user_pool import PATIENCE_NS, UserPool

POLL_S = 0.05
START_IN_S = 0.25
AHEAD_S = 1.0
GRANT_EVERY_S = 0.25
READY_WITHIN_S = 10.0
LAST_WORD_S = 10.0
NS_PER_S = 1_000_000_000
_AT_ONCE = 64
_PREPARED_AT_ONCE = 32
SHORTEST_SLEEP_NS = 500_000
"""What is due so soon begins together: to wake up for one costs as much as the one does."""


class Pacer:
    """A generator's part: gives its share of each span to the pool, when it is due.

    `most` users are busy at once in all generators together. `on_granted` is called once, when the
    first span is granted and nothing of it is due yet, and `on_done` once, when all of a plan that
    has an end has been due.
    """

    def __init__(
        self,
        schedule: Schedule,
        pool: UserPool,
        most: int | None,
        on_granted: Callable[[], None],
        on_done: Callable[[], None],
    ) -> None:
        self.pool = pool
        self._schedule = schedule
        self._most = most
        self._on_granted = on_granted
        self._on_done = on_done
        self._began_ns = 0
        self._shares: deque[Iterator[float]] = deque()
        self._next_ns: int | None = None
        self._has_all = False
        self._is_granted = Event()
        self._unprepared: deque[Callable[[], None]] = deque()
        self._preparing = Group()
        self._greenlet = gevent.spawn(self._run)

    def prepare(self, work: Callable[[], None]) -> None:
        """Do what a user needs for its first arrival, beside what is done for the others."""
        self._unprepared.append(work)
        if len(self._preparing) < _PREPARED_AT_ONCE:
            self._preparing.spawn(self._prepare)

    @property
    def is_prepared(self) -> bool:
        """Whether all of that is done."""
        return not self._preparing

    def _prepare(self) -> None:
        while self._unprepared:
            self._unprepared.popleft()()

    def grant(self, span: Span, elapsed_s: float, *, is_last: bool) -> None:
        """Take in the next span, `elapsed_s` seconds after the schedule began."""
        if not self._began_ns:
            self._began_ns = time.monotonic_ns() - round(elapsed_s * NS_PER_S)
            self._on_granted()
        if self.pool.generator in span.generators:
            self.pool.most = part_of(self._most, self.pool.generator, span.generators)
            self._shares.append(self._schedule.share(span, self.pool.generator))
        self._has_all = is_last
        self._is_granted.set()

    def stop(self) -> None:
        """Start nothing more, and count what has been due until now. May be called again."""
        self._greenlet.kill()
        self._preparing.kill()
        now_ns = time.monotonic_ns()
        while not self.pool.is_closed and (due_at_ns := self._due_next()) is not None:
            if due_at_ns > now_ns:
                break
            self._next_ns = None
            self.pool.missed()
        self.pool.close()

    def _run(self) -> None:
        with alarm() as sleep:
            self._let_arrive(sleep)
        while not self.pool.is_idle:
            gevent.sleep(PATIENCE_NS / NS_PER_S)
            self.pool.expire(time.monotonic_ns())
        self._on_done()

    def _let_arrive(self, sleep: Sleep) -> None:
        while (due_at_ns := self._due_next()) is not None or not self._has_all:
            now_ns = time.monotonic_ns()
            if due_at_ns is None:
                self._is_granted.clear()
                self._is_granted.wait()
            elif due_at_ns > now_ns:
                sleep(max(due_at_ns - now_ns, SHORTEST_SLEEP_NS))
            elif self._arrive(now_ns) == _AT_ONCE:
                gevent.sleep(0)  # users must have their turn

    def _arrive(self, now_ns: int) -> int:
        """Let what is due arrive, a few at once, and say how many."""
        for number in range(_AT_ONCE):
            due_at_ns = self._due_next()
            if due_at_ns is None or due_at_ns > now_ns:
                return number
            self._next_ns = None
            self.pool.arrive(due_at_ns, now_ns)
        return _AT_ONCE

    def _due_next(self) -> int | None:
        """When the next arrival is due, which stays the next until `_next_ns` is forgotten."""
        while self._next_ns is None and self._shares:
            due_at_s = next(self._shares[0], None)
            if due_at_s is None:
                self._shares.popleft()
            else:
                self._next_ns = self._began_ns + round(due_at_s * NS_PER_S)
        return self._next_ns


class Coordinator:
    """The master's part: grants the schedule to those that are alive, and says when it is over.

    `alive` names the generators that can take arrivals now. The schedule begins when `is_ready`
    says that they are all that there are and can be on time, or when they were waited for long
    enough. `grant` tells
    all of a span, and how far the schedule is, in s; `on_over` is called once, when a plan with an
    end has been made.
    """

    def __init__(
        self,
        schedule: Schedule,
        alive: Callable[[], Collection[int]],
        is_ready: Callable[[], bool],
        grant: Callable[[Span, float], None],
        on_over: Callable[[], None],
    ) -> None:
        self._plan = schedule.plan
        self._division = Division(schedule)
        self._alive = alive
        self._is_ready = is_ready
        self._grant = grant
        self._on_over = on_over
        self._began_s: float | None = None
        self._stopped_s: float | None = None
        self._asked: set[int] = set()
        self._done: set[int] = set()
        self._greenlet = gevent.spawn(self._run)

    @property
    def elapsed_s(self) -> float:
        """How far the schedule is; below 0 before it begins."""
        if self._began_s is None:
            return -START_IN_S
        return (self._stopped_s or time.monotonic()) - self._began_s

    @property
    def reached_s(self) -> float:
        """How far the schedule has come: no further than its end, which generators may outlast."""
        end_s = self._plan.duration_s
        return self.elapsed_s if end_s is None else min(self.elapsed_s, end_s)

    @property
    def began_at_ns(self) -> int | None:
        """When the schedule began, as Unix time in ns; None where nobody was there for it."""
        if self._began_s is None:
            return None
        return time.time_ns() - round((time.monotonic() - self._began_s) * NS_PER_S)

    def done(self, generator: int) -> None:
        """Note that a generator has made all of its part."""
        self._done.add(generator)

    def due(self) -> dict[int, int]:
        """How many arrivals of each generator have been due so far."""
        return self._division.due(self.elapsed_s)

    def stop(self) -> None:
        """Grant nothing more. May be called again."""
        self._stopped_s = self._stopped_s or time.monotonic()
        self._greenlet.kill()

    def _run(self) -> None:
        give_up_s = time.monotonic() + READY_WITHIN_S
        while not self._alive() or (not self._is_ready() and time.monotonic() < give_up_s):
            gevent.sleep(POLL_S)
        self._began_s = time.monotonic() + START_IN_S
        while not self._is_over():
            elapsed_s = self.elapsed_s
            span = self._division.next_span(elapsed_s + AHEAD_S, self._alive())
            self._division.due(elapsed_s)  # a little at a time
            if span is not None:
                self._asked.update(span.generators)
                self._grant(span, elapsed_s)
            gevent.sleep(GRANT_EVERY_S)
        self._on_over()

    def _is_over(self) -> bool:
        end_s = self._plan.duration_s
        if end_s is None or self.elapsed_s < end_s:
            return False
        owing = (self._asked & set(self._alive())) - self._done
        return not owing or self.elapsed_s > end_s + LAST_WORD_S


def part_of(most: int | None, generator: int, generators: tuple[int, ...]) -> int | None:
    """A generator's part of what all of them may have under way at once; one at the least."""
    if most is None:
        return None
    whole, rest = divmod(most, len(generators))
    return max(1, whole + (generators.index(generator) < rest))
