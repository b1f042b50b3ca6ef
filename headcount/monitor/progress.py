"""Progress: what a generator reports once a second about its requests."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from typing import Any

from headcount.monitor.duration_histogram import DurationCounts, RequestDurations
from headcount.monitor.recent_latency import bucket_of
from headcount.monitor.seq_bitmap import Pages, packed, pages_of, unpacked
from headcount.run.outcome import Outcome

SAMPLES_PER_REPORT = 2_000
"""If more attempts end between two reports, only some response times are counted."""

_ACKED = Outcome.ACKED.value
_SUCCESS = 2
_LONGEST_CAUSE = 60
_NS_PER_S, _NS_PER_US = 1_000_000_000, 1_000


@dataclass(frozen=True, slots=True)
class Ended:
    """A number of attempts sent in the same second of Unix time and ended in the same way.

    `cause` is the HTTP status or the type of an error; empty if acknowledged with a status of 2xx.
    """

    sent_s: int
    event_type: str
    outcome: str
    cause: str
    count: int


@dataclass(frozen=True, slots=True)
class Durations:
    """Durations of the requests sent in one second, in µs; lower bounds if unanswered."""

    sent_s: int
    event_type: str
    http_us: tuple[int, ...]
    from_intended_us: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """All attempts a generator has begun, by event type, and those ended since its last report.

    `acked` has the sequence numbers of the newly acknowledged attempts; `clock_s` is the Unix time
    of the report by the generator's clock, `first_sent_ns` that of its first request and
    `last_sent_ns` that of its latest, each None if unknown. `starts` has the first sequence number
    of each second after the first request, if something newly ended or in flight was sent in it.
    `latency` counts the newly ended attempts by the bucket of their response time, or some of them
    if there are many. `http` and `from_intended` have the durations of all newly ended attempts by
    event type. `lag_ms` is the lateness of the generator's timers or arrivals in its last second,
    and `dropped` the number of arrivals that could not start in time. `is_last` says that no other
    report follows.
    """

    generator: int
    begun: Mapping[str, int]
    ended: tuple[Ended, ...] = ()
    durations: tuple[Durations, ...] = ()
    acked: Pages = field(default_factory=dict)
    clock_s: float | None = None
    first_sent_ns: int | None = None
    last_sent_ns: int | None = None
    starts: Mapping[int, int] = field(default_factory=dict)
    latency: Mapping[int, int] = field(default_factory=dict)
    http: Mapping[str, DurationCounts] = field(default_factory=dict)
    from_intended: Mapping[str, DurationCounts] = field(default_factory=dict)
    lag_ms: float = 0.0
    dropped: int = 0
    is_last: bool = False

    def packed(self) -> list[Any]:
        """Convert to lists of plain values for msgpack and JSON."""
        return [
            self.generator,
            dict(self.begun),
            [list(astuple(attempts)) for attempts in self.ended],
            [
                [
                    duration.sent_s,
                    duration.event_type,
                    list(duration.http_us),
                    list(duration.from_intended_us),
                ]
                for duration in self.durations
            ],
            packed(self.acked),
            self.clock_s,
            self.first_sent_ns,
            self.last_sent_ns,
            list(self.starts.items()),
            list(self.latency.items()),
            {name: counts.packed() for name, counts in self.http.items()},
            {name: counts.packed() for name, counts in self.from_intended.items()},
            self.lag_ms,
            self.dropped,
            self.is_last,
        ]

    @classmethod
    def unpacked(cls, values: list[Any]) -> "Progress":
        """Convert the output of `packed` back."""
        generator, begun, ended, durations, acked, clock_s, first_ns, last_ns, *more = values
        starts, latency, http, from_intended, lag_ms, dropped, is_last = more
        return cls(
            int(generator),
            begun,
            tuple(Ended(*attempts) for attempts in ended),
            tuple(Durations(*duration[:2], *map(tuple, duration[2:])) for duration in durations),
            unpacked(acked),
            clock_s,
            first_ns,
            last_ns,
            dict(starts),
            dict(latency),
            {name: DurationCounts.unpacked(counts) for name, counts in http.items()},
            {name: DurationCounts.unpacked(counts) for name, counts in from_intended.items()},
            lag_ms,
            dropped,
            is_last,
        )


class ProgressCounter:
    """Counts attempts as they end, so that a report costs almost nothing.

    `with_durations` says whether to report how long each attempt took. `first_sent_ns` is when the
    first attempt that is known was sent; None before.
    """

    def __init__(self, generator: int, *, with_durations: bool) -> None:
        self._generator, self._with_durations = generator, with_durations
        self._ended_by_type: Counter[str] = Counter()
        self._ended: dict[tuple[int, str, str, str], int] = {}
        self._durations: dict[tuple[int, str], tuple[list[int], list[int]]] = {}
        self._acked: list[int] = []
        self.first_sent_ns: int | None = None
        self._last_seq, self._last_sent_ns = -1, 0
        self._starts: dict[int, int] = {}
        self._second_seq, self._second_end_ns = 0, 0
        self._latency: dict[int, int] = {}
        self._unsampled = 0
        self._durations_by_type: dict[str, RequestDurations] = {}

    def add(
        self,
        event_type: str,
        outcome: str,
        http_status: int | None,
        error: str | None,
        times_ns: tuple[int, int, int | None],
        *,
        seq: int,
    ) -> None:
        """Count an attempt; `times_ns` are its intended, send and end times."""
        intended_ns, sent_ns, ended_ns = times_ns
        if outcome == _ACKED:
            self._acked.append(seq)
            is_plain = http_status is None or http_status // 100 == _SUCCESS
            cause = "" if is_plain else str(http_status)
        else:
            cause = _cause(http_status, error)
        key = sent_ns // _NS_PER_S, event_type, outcome, cause
        self._ended[key] = self._ended.get(key, 0) + 1
        if sent_ns >= self._second_end_ns or seq < self._second_seq:
            self._note_sent(seq, sent_ns)
        if seq > self._last_seq:
            self._last_seq, self._last_sent_ns = seq, sent_ns
        if ended_ns is None:
            return
        took_us = (ended_ns - sent_ns) // _NS_PER_US
        since_intended_us = (ended_ns - intended_ns) // _NS_PER_US
        counted = self._durations_by_type.get(event_type)
        if counted is None:
            counted = self._durations_by_type[event_type] = RequestDurations()
        counted.add(took_us, since_intended_us)
        if not seq & self._unsampled:
            bucket = bucket_of(took_us)
            self._latency[bucket] = self._latency.get(bucket, 0) + 1
        if self._with_durations:
            http_us, from_intended_us = self._durations.setdefault(key[:2], ([], []))
            http_us.append(took_us)
            from_intended_us.append(since_intended_us)

    def _note_sent(self, seq: int, sent_ns: int) -> None:
        """Note the second of an attempt; what follows it in the same second need not be noted."""
        if self.first_sent_ns is None:
            self.first_sent_ns = sent_ns
        # The first to end, or to be reported in flight, may not be the first that was sent.
        second = max(0, (sent_ns - self.first_sent_ns) // _NS_PER_S)
        if seq < self._starts.get(second, seq + 1):
            self._starts[second] = seq
        self._second_seq = self._starts[second]
        self._second_end_ns = self.first_sent_ns + (second + 1) * _NS_PER_S

    def report(
        self,
        in_flight: Mapping[str, int],
        clock_s: float | None = None,
        sent_ns: Mapping[int, int] | None = None,
        *,
        lag_ms: float = 0.0,
        dropped: int = 0,
        is_last: bool = False,
    ) -> Progress:
        """Return the attempts that ended since the last report, and all that have begun.

        Args:
            in_flight: Attempts that have begun and not ended, by event type.
            clock_s: The Unix time by the generator's clock.
            sent_ns: When each attempt in flight was sent, by its sequence number.
            lag_ms: The lateness of timers or arrivals in the last second.
            dropped: The number of arrivals that could not start in time.
            is_last: Whether no other report follows.
        """
        for seq, at_ns in (sent_ns or {}).items():
            self._note_sent(seq, at_ns)
            if seq > self._last_seq:
                self._last_seq, self._last_sent_ns = seq, at_ns
        starts, self._starts = self._starts, {}
        latency, self._latency = self._latency, {}
        by_type, self._durations_by_type = self._durations_by_type, {}
        ended, self._ended = self._ended, {}
        durations, self._durations = self._durations, {}
        acked, self._acked = self._acked, []
        for (_, event_type, _, _), count in ended.items():
            self._ended_by_type[event_type] += count
        # Every response time, or one in a power of two.
        excess = sum(ended.values()) // SAMPLES_PER_REPORT
        self._unsampled = (1 << excess.bit_length()) - 1
        return Progress(
            self._generator,
            dict(self._ended_by_type + Counter(in_flight)),
            tuple(Ended(*key, count) for key, count in ended.items()),
            tuple(Durations(*key, *map(tuple, pair)) for key, pair in durations.items()),
            pages_of(acked),
            clock_s,
            self.first_sent_ns,
            self._last_sent_ns if self._last_seq >= 0 else None,
            starts,
            latency,
            {name: durations_of_type.http for name, durations_of_type in by_type.items()},
            {name: durations_of_type.from_intended for name, durations_of_type in by_type.items()},
            lag_ms,
            dropped,
            is_last,
        )


def _cause(http_status: int | None, error: str | None) -> str:
    if http_status is not None:
        return str(http_status)
    return (error or "").partition(":")[0][:_LONGEST_CAUSE]
