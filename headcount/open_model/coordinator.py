"""The coordinator and the pacers: start arrivals at the requested rate, whatever the service does.

The coordinator, in the master or the only process, grants the schedule span by span, a second
ahead, and names the generators that share each span. It grants each position only once, so that no
arrival is made twice, even if a generator hangs, is cut off or reconnects. When a generator leaves,
the others share the next spans, so that the rate holds; the arrivals already granted to it are
lost, and counted as lost.

Each generator measures time from its first grant. The hosts' clocks need not agree; a generator is
late by however long its first grant took to arrive.
"""

import time
from collections import deque
from collections.abc import Callable, Collection, Iterator

import gevent
from gevent.event import Event
from gevent.pool import Group

from headcount.open_model.schedule import Division, Schedule, Span
from headcount.open_model.timer import Sleep, precise_sleep
from headcount.open_model.user_pool import QUEUE_TIMEOUT_NS, UserPool

POLL_S = 0.05
START_IN_S = 0.25
AHEAD_S = 1.0
GRANT_EVERY_S = 0.25
READY_TIMEOUT_S = 10.0
DONE_TIMEOUT_S = 10.0
NS_PER_S = 1_000_000_000
_BATCH_SIZE = 64
_PREPARING_GREENLETS = 32
SHORTEST_SLEEP_NS = 500_000
"""Arrivals due within this time start together: waking up costs as much as starting one."""


class Pacer:
    """Runs in each generator: passes its share of each span to the pool when it is due.

    At most `most` users are busy at once, over all generators. `on_granted` is called once, when
    the first span is granted, before any arrival is due; `on_done` once, after the last arrival of
    a finite plan was due.
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
        """Run a user's preparation for its first arrival, concurrently with other users'."""
        self._unprepared.append(work)
        if len(self._preparing) < _PREPARING_GREENLETS:
            self._preparing.spawn(self._prepare)

    @property
    def is_prepared(self) -> bool:
        """Whether all users are prepared."""
        return not self._preparing

    def _prepare(self) -> None:
        while self._unprepared:
            self._unprepared.popleft()()

    def grant(self, span: Span, elapsed_s: float, *, is_last: bool) -> None:
        """Add the next span, `elapsed_s` seconds after the schedule began."""
        if not self._began_ns:
            self._began_ns = time.monotonic_ns() - round(elapsed_s * NS_PER_S)
            self._on_granted()
        if self.pool.generator in span.generators:
            self.pool.most = share_of_limit(self._most, self.pool.generator, span.generators)
            self._shares.append(self._schedule.share(span, self.pool.generator))
        self._has_all = is_last
        self._is_granted.set()

    def stop(self) -> None:
        """Start nothing more, and count the arrivals due until now. Idempotent."""
        self._greenlet.kill()
        self._preparing.kill()
        now_ns = time.monotonic_ns()
        while not self.pool.is_closed and (due_at_ns := self._next_due_at_ns()) is not None:
            if due_at_ns > now_ns:
                break
            self._next_ns = None
            self.pool.drop_late()
        self.pool.close()

    def _run(self) -> None:
        with precise_sleep() as sleep:
            self._start_arrivals(sleep)
        while not self.pool.is_idle:
            gevent.sleep(QUEUE_TIMEOUT_NS / NS_PER_S)
            self.pool.expire(time.monotonic_ns())
        self._on_done()

    def _start_arrivals(self, sleep: Sleep) -> None:
        while (due_at_ns := self._next_due_at_ns()) is not None or not self._has_all:
            now_ns = time.monotonic_ns()
            if due_at_ns is None:
                self._is_granted.clear()
                self._is_granted.wait()
            elif due_at_ns > now_ns:
                sleep(max(due_at_ns - now_ns, SHORTEST_SLEEP_NS))
            elif self._start_due(now_ns) == _BATCH_SIZE:
                gevent.sleep(0)  # let users run

    def _start_due(self, now_ns: int) -> int:
        """Pass a batch of due arrivals to the pool, and return how many."""
        for number in range(_BATCH_SIZE):
            due_at_ns = self._next_due_at_ns()
            if due_at_ns is None or due_at_ns > now_ns:
                return number
            self._next_ns = None
            self.pool.arrive(due_at_ns, now_ns)
        return _BATCH_SIZE

    def _next_due_at_ns(self) -> int | None:
        """When the next arrival is due; further calls return the same until `_next_ns` is reset."""
        while self._next_ns is None and self._shares:
            due_at_s = next(self._shares[0], None)
            if due_at_s is None:
                self._shares.popleft()
            else:
                self._next_ns = self._began_ns + round(due_at_s * NS_PER_S)
        return self._next_ns


class Coordinator:
    """Runs in the master: grants the schedule to live generators, and reports its end.

    `alive` returns the generators that can take arrivals now. The schedule begins when `is_ready`
    reports that all generators are alive and prepared, or after READY_TIMEOUT_S. `grant` sends a
    span, and the schedule's elapsed time in s, to all generators. `on_over` is called once, when a
    finite plan is done.
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
        self._granted_to: set[int] = set()
        self._done: set[int] = set()
        self._greenlet = gevent.spawn(self._run)

    @property
    def elapsed_s(self) -> float:
        """Time since the schedule began; negative before that."""
        if self._began_s is None:
            return -START_IN_S
        return (self._stopped_s or time.monotonic()) - self._began_s

    @property
    def reached_s(self) -> float:
        """The elapsed time, capped at the plan's end, since generators may take longer."""
        end_s = self._plan.duration_s
        return self.elapsed_s if end_s is None else min(self.elapsed_s, end_s)

    @property
    def began_at_ns(self) -> int | None:
        """When the schedule began, as Unix time in ns; None if no generator was ever alive."""
        if self._began_s is None:
            return None
        return time.time_ns() - round((time.monotonic() - self._began_s) * NS_PER_S)

    def done(self, generator: int) -> None:
        """Record that a generator has made all its arrivals."""
        self._done.add(generator)

    def due(self) -> dict[int, int]:
        """The number of arrivals due so far, by generator."""
        return self._division.due(self.elapsed_s)

    def stop(self) -> None:
        """Grant nothing more. Idempotent."""
        self._stopped_s = self._stopped_s or time.monotonic()
        self._greenlet.kill()

    def _run(self) -> None:
        give_up_s = time.monotonic() + READY_TIMEOUT_S
        while not self._alive() or (not self._is_ready() and time.monotonic() < give_up_s):
            gevent.sleep(POLL_S)
        self._began_s = time.monotonic() + START_IN_S
        while not self._is_over():
            elapsed_s = self.elapsed_s
            span = self._division.next_span(elapsed_s + AHEAD_S, self._alive())
            self._division.due(elapsed_s)  # counts in small steps, rather than all at the end
            if span is not None:
                self._granted_to.update(span.generators)
                self._grant(span, elapsed_s)
            gevent.sleep(GRANT_EVERY_S)
        self._on_over()

    def _is_over(self) -> bool:
        end_s = self._plan.duration_s
        if end_s is None or self.elapsed_s < end_s:
            return False
        unfinished = (self._granted_to & set(self._alive())) - self._done
        return not unfinished or self.elapsed_s > end_s + DONE_TIMEOUT_S


def share_of_limit(most: int | None, generator: int, generators: tuple[int, ...]) -> int | None:
    """A generator's share of the limit on busy users; at least one, or None without a limit."""
    if most is None:
        return None
    whole, rest = divmod(most, len(generators))
    return max(1, whole + (generators.index(generator) < rest))
