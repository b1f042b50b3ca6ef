"""The pool: users that are free, and arrivals that wait for one; each is counted once.

An arrival that finds no user free waits a moment, and is dropped then: what queues without end
would be started at no time that anyone has asked for. Pure: time comes in, users are called back.
"""

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Protocol

from headcount.open_model.scheduled_arrivals import Arrivals

PATIENCE_NS = 10_000_000
LATEST_NS = 1_000_000_000


class Taker(Protocol):
    """A user, which does one thing at a time."""

    def take(self, due_at_ns: int) -> None:
        """Begin what was due at a time."""


class UserPool:
    """Gives each arrival to the user that has been free for the longest.

    `most` users are busy at once; any number if it is None. `on_drop` is called for each arrival
    that is dropped. `due`, `started` and `dropped` count
    arrivals: once the pool is closed, the first is the sum of the others.
    """

    def __init__(self, generator: int, on_drop: Callable[[], None]) -> None:
        self.generator = generator
        self.most: int | None = None
        self._on_drop = on_drop
        self.due = self.started = self.dropped = 0
        self._free: OrderedDict[Taker, None] = OrderedDict()
        self._busy: set[Taker] = set()
        self._waiting: deque[tuple[int, int]] = deque()
        self._greatest_lag_ns = 0
        self.is_closed = False

    @property
    def arrivals(self) -> Arrivals:
        """What became of all of them so far; those that wait for a user are not due yet."""
        return Arrivals(self.generator, self.due - len(self._waiting), self.started, self.dropped)

    @property
    def is_idle(self) -> bool:
        """Whether no arrival waits for a user."""
        return not self._waiting

    def arrive(self, due_at_ns: int, now_ns: int) -> None:
        """Start what is due; keep it for a moment if nobody is free.

        A generator that was held up for long does not make up for it in one blow.
        """
        if now_ns - due_at_ns > LATEST_NS:
            self.missed()
            return
        self.due += 1
        if not self._waiting and self._has_place():
            self._hand(due_at_ns)
            return
        self._waiting.append((due_at_ns, now_ns + PATIENCE_NS))
        self.expire(now_ns)

    def missed(self) -> None:
        """Count an arrival that was due, and for which it is too late."""
        self.due += 1
        self._drop()

    def freed(self, user: Taker, now_ns: int) -> None:
        """Let a user have the next arrival."""
        self._busy.discard(user)
        self._free[user] = None
        self.expire(now_ns)
        while self._waiting and self._has_place():
            self._hand(self._waiting.popleft()[0])

    def begun(self, due_at_ns: int, now_ns: int) -> None:
        """Note that a user begins what was due at a time."""
        self._greatest_lag_ns = max(self._greatest_lag_ns, now_ns - due_at_ns)

    def take_lag_ns(self) -> int:
        """Say how late the latest was that has begun since this was asked last; 0 if none has."""
        lag_ns, self._greatest_lag_ns = self._greatest_lag_ns, 0
        return lag_ns

    def left(self, user: Taker) -> None:
        """Forget a user that has ended."""
        self._busy.discard(user)
        self._free.pop(user, None)

    def stopped(self, user: Taker, *, has_arrival: bool) -> None:
        """Forget a user that is stopped while it waits, or before it could begin its arrival."""
        self.left(user)
        if has_arrival:
            self.started -= 1
            self._drop()

    def expire(self, now_ns: int) -> None:
        """Drop what has waited for too long."""
        while self._waiting and self._waiting[0][1] <= now_ns:
            self._waiting.popleft()
            self._drop()

    def close(self) -> None:
        """Start nothing any more."""
        self.is_closed = True
        while self._waiting:
            self._waiting.popleft()
            self._drop()

    def _drop(self) -> None:
        self.dropped += 1
        self._on_drop()

    def _has_place(self) -> bool:
        is_full = self.most is not None and len(self._busy) >= self.most
        return bool(self._free) and not is_full and not self.is_closed

    def _hand(self, due_at_ns: int) -> None:
        user, _ = self._free.popitem(last=False)
        self._busy.add(user)
        self.started += 1
        user.take(due_at_ns)
