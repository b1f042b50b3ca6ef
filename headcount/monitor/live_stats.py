"""Live stats: the state of a run in progress, from the generators' reports and the topic.

- in flight: attempts sent and not yet answered.
- behind: how far the topic lags. As a count, it is the acknowledged events not yet seen in it. As a
  time: if n acknowledged events have arrived by now, it is how long ago the number of acknowledged
  events was last n or less.
- missing: events acknowledged longer ago than `settle_s` and absent when the whole topic was last
  read. A missing event may still arrive.
"""

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from headcount.monitor.missing_events import MissingEvents
from headcount.monitor.progress import Progress
from headcount.monitor.recent_latency import RecentLatency
from headcount.monitor.send_bins import SendBin, SendBins
from headcount.monitor.seq_bitmap import unpacked
from headcount.monitor.topic_counts import OTHER, TopicCounts
from headcount.run.default_times import SETTLE_S
from headcount.run.request_outcome import Outcome

MOST_SECONDS = 100_000
RATE_OVER_S = 10
BIN_DELAY_S = 2
"""A second is shown this long after its end: responses, and reports of them, take some time."""
MOST_CAUSES = 50
MORE_CAUSES = "other"


@dataclass(frozen=True, slots=True)
class Line:
    """The counts of one event type, or of all.

    `arrived` counts the events in the topic, and `behind` the acknowledged ones that are not yet
    there. For one event type, both are None if any message carries no type, and `behind` is only
    `acked` minus `arrived` (at least 0): an event that arrived without an acknowledgement can hide
    an acknowledged event that has not arrived.
    """

    generated: int
    acked: int
    failed: int
    indeterminate: int
    arrived: int | None
    behind: int | None

    @property
    def in_flight(self) -> int:
        """Attempts that have begun and not ended."""
        return max(0, self.generated - self.acked - self.failed - self.indeterminate)


@dataclass(frozen=True, slots=True)
class LiveSnapshot:
    """All statistics at one moment; `is_watched` is true once the topic has been read.

    `rate` is the attempts per second in the last RATE_OVER_S, and `p99_ms` the recent p99 of
    response times; either is None if there are too few. `bins` are `bin_s` wide, and begin with the
    first request, at `first_sent_ns`, in Unix time.
    """

    by_event_type: Mapping[str, Line]
    total: Line
    behind_s: float
    missing: int
    duplicated: int
    unread: int
    is_watched: bool
    failures: tuple[tuple[str, str, str, int], ...]
    rate: float | None
    p99_ms: float | None
    first_sent_ns: int | None
    sent_s: float
    bin_s: int
    bins: tuple[SendBin, ...]


@dataclass(slots=True)
class LiveStats:
    """Combines the reports of generators and topic watcher; times are monotonic, in s.

    `settle_s` is how long an acknowledged event may take to arrive.
    """

    started_at_s: float
    settle_s: float = SETTLE_S
    _begun: dict[int, Mapping[str, int]] = field(default_factory=dict)
    _outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    _failures: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    _acked: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=MOST_SECONDS))
    _topic_counts: TopicCounts | None = None
    _complete_at_s: float | None = None
    _missing: MissingEvents = field(init=False)
    _bins: SendBins = field(default_factory=SendBins)
    _latency: RecentLatency = field(default_factory=RecentLatency)

    def __post_init__(self) -> None:
        """Start with no missing events."""
        self._missing = MissingEvents(self.settle_s)

    def receive(self, progress: Progress, now_s: float) -> None:
        """Add a generator's report."""
        self._missing.add_acked(progress.generator, progress.acked, now_s)
        self._begun[progress.generator] = progress.begun
        for attempts in progress.ended:
            self._outcomes[attempts.event_type, attempts.outcome] += attempts.count
            if attempts.outcome != Outcome.ACKED:
                self._count_failure(
                    attempts.event_type, attempts.outcome, attempts.cause, attempts.count
                )
        self._acked.append((now_s, self._count(Outcome.ACKED)))
        self._latency.add(progress.latency, now_s)
        self._bins.receive(progress)

    def receive_topic(self, counts: TopicCounts) -> None:
        """Add a report of the topic watcher."""
        self._topic_counts = counts
        for generator, pages in counts.seen.items():
            new = self._missing.add_arrived(generator, unpacked(pages))
            self._bins.add_arrived(generator, new)
        if counts.complete_at_s is None:
            return
        self._complete_at_s = counts.complete_at_s
        self._missing.settle(self._complete_at_s)
        arrived = self._acked_arrived
        settled_s = self._complete_at_s - self.settle_s
        while len(self._acked) > 1 and self._is_outdated(self._acked[1], settled_s, arrived):
            self._acked.popleft()

    @staticmethod
    def _is_outdated(acked: tuple[float, int], settled_s: float, arrived: int) -> bool:
        at_s, count = acked
        return at_s <= settled_s and count <= arrived

    @property
    def missing(self) -> int:
        """The number of acknowledged events that had time to arrive and have not."""
        return self._missing.count

    @property
    def complete_at_s(self) -> float:
        """When the whole topic was last read; the start if it never was."""
        return self.started_at_s if self._complete_at_s is None else self._complete_at_s

    @property
    def problem(self) -> str:
        """Why the topic cannot be read; empty if it can, or if the reason is unknown."""
        return "" if self._topic_counts is None else self._topic_counts.problem

    @property
    def duplicated(self) -> int:
        """The number of messages beyond the first of each event."""
        return 0 if self._topic_counts is None else self._topic_counts.duplicated

    @property
    def in_flight(self) -> int:
        """The number of attempts that have begun and not ended."""
        begun = sum(
            count for of_generator in self._begun.values() for count in of_generator.values()
        )
        return max(0, begun - self._outcomes.total())

    @property
    def behind(self) -> int | None:
        """Acknowledged events not yet seen in the topic; None if it has not been read."""
        return None if self._topic_counts is None else self._unseen

    def snapshot(self, now_s: float, *, is_over: bool = False) -> LiveSnapshot:
        """Return all statistics as of now; `is_over` if no more requests will be sent."""
        settled_s = self._bins.reported_s - BIN_DELAY_S
        missing = self._missing.by_generator
        bin_s, bins = self._bins.bins(missing, None if is_over else settled_s)
        names = sorted({name for begun in self._begun.values() for name in begun})
        return LiveSnapshot(
            by_event_type={name: self._line(name) for name in names},
            total=self._total(names),
            behind_s=self._behind_s(now_s),
            missing=self.missing,
            duplicated=self.duplicated,
            unread=0 if self._topic_counts is None else self._topic_counts.unread,
            is_watched=self._topic_counts is not None,
            failures=tuple(
                (*key, count)
                for key, count in sorted(self._failures.items(), key=lambda item: -item[1])
            ),
            rate=self._bins.rate(RATE_OVER_S, self._bins.reported_s),
            p99_ms=self._latency.percentile_ms(0.99),
            first_sent_ns=self._bins.first_sent_ns,
            sent_s=self._bins.sent_s,
            bin_s=bin_s,
            bins=bins,
        )

    def _count_failure(self, event_type: str, outcome: str, cause: str, count: int) -> None:
        key = event_type, outcome, cause
        if key not in self._failures and len(self._failures) >= MOST_CAUSES:
            key = event_type, outcome, MORE_CAUSES
        self._failures[key] += count

    def _arrived(self) -> Mapping[str, int]:
        return {} if self._topic_counts is None else self._topic_counts.arrived

    def _line(self, name: str) -> Line:
        by_type, acked = self._arrived(), self._outcomes[name, Outcome.ACKED]
        generated = sum(begun.get(name, 0) for begun in self._begun.values())
        # An event may be seen before its generator reports it.
        arrived = None if OTHER in by_type else min(by_type.get(name, 0), generated)
        return Line(
            generated,
            acked,
            self._outcomes[name, Outcome.FAILED],
            self._outcomes[name, Outcome.INDETERMINATE],
            arrived,
            None if arrived is None else max(0, acked - arrived),
        )

    def _total(self, names: Iterable[str]) -> Line:
        lines = [self._line(name) for name in names]
        generated = sum(line.generated for line in lines)
        return Line(
            generated,
            sum(line.acked for line in lines),
            sum(line.failed for line in lines),
            sum(line.indeterminate for line in lines),
            # An event may be seen before it is reported, but a missing event has not arrived.
            min(sum(self._arrived().values()), max(0, generated - self.missing)),
            self._unseen,
        )

    @property
    def _unseen(self) -> int:
        """The number of acknowledged events not yet seen.

        Comparing ids finds them even if as many other events, which were not acknowledged, have
        arrived. The number of acknowledged events minus that of arrived events is returned if it is
        greater.
        """
        arrived = sum(self._arrived().values())
        return max(self._missing.unseen, self._count(Outcome.ACKED) - arrived)

    @property
    def _acked_arrived(self) -> int:
        return self._count(Outcome.ACKED) - self._unseen

    def _count(self, outcome: Outcome) -> int:
        return sum(count for (_, counted), count in self._outcomes.items() if counted == outcome)

    def _behind_s(self, now_s: float) -> float:
        if self._topic_counts is None or not self._unseen:
            return 0.0
        arrived = self._acked_arrived
        reached = [at_s for at_s, count in self._acked if count <= arrived]
        return now_s - max(reached, default=self.started_at_s)
