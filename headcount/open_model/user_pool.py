"""The user pool: free users, and arrivals that wait for one; each arrival is counted once.

An arrival that finds no free user waits briefly and is then dropped: with an unbounded queue,
arrivals would start long after they were due. Pure: callers pass the time in; the pool calls users.
"""

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Protocol

from headcount.open_model.arrival_counts import Arrivals

QUEUE_TIMEOUT_NS = 10_000_000
MAX_LATENESS_NS = 1_000_000_000


class Taker(Protocol):
    """A user, which runs one task at a time."""

    def take(self, due_at_ns: int) -> None:
        """Start the task that was due at `due_at_ns`."""


class UserPool:
    """Assigns each arrival to the user that has been free the longest.

    At most `most` users are busy at once; None means no limit. `on_drop` is called for each dropped
    arrival. `due`, `started` and `dropped` count arrivals; once the pool is closed, `due` is the
    sum of the other two. `userless` counts those of the dropped arrivals that found no free user
    after a user had ended by itself, as with StopUser: that user could have started them.
    """

    def __init__(self, generator: int, on_drop: Callable[[], None]) -> None:
        self.generator = generator
        self.most: int | None = None
        self._on_drop = on_drop
        self.due = self.started = self.dropped = self.userless = 0
        self._has_ended_users = False
        self._free: OrderedDict[Taker, None] = OrderedDict()
        self._busy: set[Taker] = set()
        self._waiting: deque[tuple[int, int]] = deque()
        self._greatest_lag_ns = 0
        self.is_closed = False

    @property
    def arrivals(self) -> Arrivals:
        """The counts so far; arrivals that wait for a user do not count as due yet."""
        return Arrivals(self.generator, self.due - len(self._waiting), self.started, self.dropped)

    @property
    def is_idle(self) -> bool:
        """Whether no arrival waits for a user."""
        return not self._waiting

    def arrive(self, due_at_ns: int, now_ns: int) -> None:
        """Start an arrival, or queue it briefly if no user is free.

        Arrivals that are too late are dropped, so that a stalled generator does not catch up in a
        burst.
        """
        if now_ns - due_at_ns > MAX_LATENESS_NS:
            self.drop_late()
            return
        self.due += 1
        if not self._waiting and self._can_start():
            self._assign(due_at_ns)
            return
        self._waiting.append((due_at_ns, now_ns + QUEUE_TIMEOUT_NS))
        self.expire(now_ns)

    def drop_late(self) -> None:
        """Count an arrival that is too late to start."""
        self.due += 1
        self._drop()

    def release(self, user: Taker, now_ns: int) -> None:
        """Mark a user as free for the next arrival."""
        self._busy.discard(user)
        self._free[user] = None
        self.expire(now_ns)
        while self._waiting and self._can_start():
            self._assign(self._waiting.popleft()[0])

    def record_start(self, due_at_ns: int, now_ns: int) -> None:
        """Record how late a user started an arrival."""
        self._greatest_lag_ns = max(self._greatest_lag_ns, now_ns - due_at_ns)

    def take_lag_ns(self) -> int:
        """Return the greatest lag of a start since the last call; 0 if there was none."""
        lag_ns, self._greatest_lag_ns = self._greatest_lag_ns, 0
        return lag_ns

    def remove(self, user: Taker) -> None:
        """Remove a user that has ended."""
        self._busy.discard(user)
        self._free.pop(user, None)

    def remove_ended(self, user: Taker) -> None:
        """Remove a user that has ended by itself, which Locust does not replace."""
        self.remove(user)
        self._has_ended_users = True

    def remove_stopped(self, user: Taker, *, has_arrival: bool) -> None:
        """Remove a user that was stopped while waiting, or before it could start its arrival."""
        self.remove(user)
        if has_arrival:
            self.started -= 1
            self._drop()

    def expire(self, now_ns: int) -> None:
        """Drop the arrivals that have waited too long."""
        while self._waiting and self._waiting[0][1] <= now_ns:
            self._drop_waiting()

    def close(self) -> None:
        """Start nothing more, and drop the waiting arrivals."""
        self.is_closed = True
        while self._waiting:
            self._drop_waiting()

    def _drop_waiting(self) -> None:
        self._waiting.popleft()
        self.userless += self._has_ended_users and not self._is_full()
        self._drop()

    def _drop(self) -> None:
        self.dropped += 1
        self._on_drop()

    def _can_start(self) -> bool:
        return bool(self._free) and not self._is_full() and not self.is_closed

    def _is_full(self) -> bool:
        return self.most is not None and len(self._busy) >= self.most

    def _assign(self, due_at_ns: int) -> None:
        user, _ = self._free.popitem(last=False)
        self._busy.add(user)
        self.started += 1
        user.take(due_at_ns)
