"""The gauge: what is known of a run while it goes on, put together from generators and topic.

- in flight: begun, and not answered.
- behind: acknowledged, and not seen in the topic yet, as a number of events, and as the time since
  so many were acknowledged as have been seen.
- missing: events that were acknowledged longer ago than they may take to arrive, and that were not
  there when all of the topic was read. One that is missing now may come all the same.
"""

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from headcount.monitor.missing_events import MissingEvents
from headcount.monitor.progress import Progress
from headcount.monitor.seq_bitmap import unpacked
from headcount.monitor.topic_counts import OTHER, TopicCounts
from headcount.run.manifest import SETTLE_S
from headcount.run.outcome import Outcome

MOST_POINTS = 600
MOST_SECONDS = 100_000
MOST_CAUSES = 50
MORE_CAUSES = "other"


@dataclass(frozen=True, slots=True)
class Line:
    """What is known of one event type, or of all; `arrived` is None where messages tell no type."""

    generated: int
    acked: int
    failed: int
    indeterminate: int
    arrived: int | None

    @property
    def in_flight(self) -> int:
        """Attempts that have begun and are not over."""
        return max(0, self.generated - self.acked - self.failed - self.indeterminate)

    @property
    def behind(self) -> int | None:
        """Events that were acknowledged and are not seen in the topic yet."""
        return None if self.arrived is None else max(0, self.acked - self.arrived)


@dataclass(frozen=True, slots=True)
class Point:
    """What was known at a time, in s from the start."""

    elapsed_s: float
    generated: int
    acked: int
    arrived: int
    in_flight: int
    behind: int


@dataclass(frozen=True, slots=True)
class LiveSnapshot:
    """All that is known at a time; `is_watched` says that the topic was looked at."""

    by_event_type: Mapping[str, Line]
    total: Line
    behind_s: float
    missing: int
    duplicated: int
    unread: int
    is_watched: bool
    failures: tuple[tuple[str, str, str, int], ...]
    points: tuple[Point, ...]


@dataclass(slots=True)
class LiveStats:
    """Takes what generators and watch tell; times are of the machine's monotonic clock, in s.

    `settle_s` is how long an acknowledged event may take to arrive.
    """

    started_at_s: float
    settle_s: float = SETTLE_S
    _begun: dict[int, Mapping[str, int]] = field(default_factory=dict)
    _outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    _failures: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    _acked: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=MOST_SECONDS))
    _sight: TopicCounts | None = None
    _missing: MissingEvents = field(init=False)
    _points: list[Point] = field(default_factory=lambda: [Point(0, 0, 0, 0, 0, 0)])
    _point_every_s: float = 1.0

    def __post_init__(self) -> None:
        """Begin with nothing missing."""
        self._missing = MissingEvents(self.settle_s)

    def receive(self, progress: Progress, now_s: float) -> None:
        """Take what a generator tells."""
        self._missing.acknowledge(progress.generator, progress.acked, now_s)
        self._begun[progress.generator] = progress.begun
        for each in progress.ended:
            self._outcomes[each.event_type, each.outcome] += each.count
            if each.outcome != Outcome.ACKED:
                self._count_failure(each.event_type, each.outcome, each.cause, each.count)
        self._acked.append((now_s, self._count(Outcome.ACKED)))

    def see(self, sight: TopicCounts) -> None:
        """Take what was seen in the topic."""
        self._sight = sight
        for generator, pages in sight.seen.items():
            self._missing.see(generator, unpacked(pages))
        self._missing.settle(sight.complete_at_s)
        arrived = sum(sight.arrived.values())
        settled_s = sight.complete_at_s - self.settle_s
        while len(self._acked) > 1 and self._is_of_old(self._acked[1], settled_s, arrived):
            self._acked.popleft()

    @staticmethod
    def _is_of_old(acked: tuple[float, int], settled_s: float, arrived: int) -> bool:
        at_s, count = acked
        return at_s <= settled_s and count <= arrived

    @property
    def missing(self) -> int:
        """How many acknowledged events had time to arrive, and are not in the topic."""
        return self._missing.count

    @property
    def complete_at_s(self) -> float:
        """Until when all of the topic was read; the start where it never was."""
        return self.started_at_s if self._sight is None else self._sight.complete_at_s

    @property
    def problem(self) -> str:
        """What keeps the topic from being read, as far as that is known."""
        return "" if self._sight is None else self._sight.problem

    @property
    def duplicated(self) -> int:
        """How many messages came beyond the first of an event."""
        return 0 if self._sight is None else self._sight.duplicated

    @property
    def in_flight(self) -> int:
        """How many attempts have begun and are not over."""
        begun = sum(count for each in self._begun.values() for count in each.values())
        return max(0, begun - self._outcomes.total())

    def read(self, now_s: float) -> LiveSnapshot:
        """Say what is known now."""
        names = sorted({name for begun in self._begun.values() for name in begun})
        return LiveSnapshot(
            by_event_type={name: self._line(name) for name in names},
            total=self._total(names),
            behind_s=self._behind_s(now_s),
            missing=self.missing,
            duplicated=self.duplicated,
            unread=0 if self._sight is None else self._sight.unread,
            is_watched=self._sight is not None,
            failures=tuple(
                (*key, count)
                for key, count in sorted(self._failures.items(), key=lambda item: -item[1])
            ),
            points=tuple(self._points),
        )

    def mark(self, now_s: float) -> None:
        """Add a point to what is drawn over time, of which there are never too many."""
        elapsed_s = now_s - self.started_at_s
        if elapsed_s - self._points[-1].elapsed_s < self._point_every_s * 0.9:
            return
        line = self.read(now_s).total
        counts = line.generated, line.acked, line.arrived or 0, line.in_flight, line.behind or 0
        self._points.append(Point(round(elapsed_s, 1), *counts))
        if len(self._points) > MOST_POINTS:
            self._points = self._points[::2]
            self._point_every_s *= 2

    def _count_failure(self, event_type: str, outcome: str, cause: str, count: int) -> None:
        key = event_type, outcome, cause
        if key not in self._failures and len(self._failures) >= MOST_CAUSES:
            key = event_type, outcome, MORE_CAUSES
        self._failures[key] += count

    def _arrived(self) -> Mapping[str, int]:
        return {} if self._sight is None else self._sight.arrived

    def _line(self, name: str) -> Line:
        arrived = self._arrived()
        return Line(
            sum(begun.get(name, 0) for begun in self._begun.values()),
            self._outcomes[name, Outcome.ACKED],
            self._outcomes[name, Outcome.FAILED],
            self._outcomes[name, Outcome.INDETERMINATE],
            None if OTHER in arrived else arrived.get(name, 0),
        )

    def _total(self, names: Iterable[str]) -> Line:
        lines = [self._line(name) for name in names]
        return Line(
            sum(each.generated for each in lines),
            sum(each.acked for each in lines),
            sum(each.failed for each in lines),
            sum(each.indeterminate for each in lines),
            sum(self._arrived().values()),
        )

    def _count(self, outcome: Outcome) -> int:
        return sum(count for (_, each), count in self._outcomes.items() if each == outcome)

    def _behind_s(self, now_s: float) -> float:
        arrived = sum(self._arrived().values())
        if self._sight is None or self._count(Outcome.ACKED) <= arrived:
            return 0.0
        reached = [at_s for at_s, count in self._acked if count <= arrived]
        return now_s - max(reached, default=self.started_at_s)
