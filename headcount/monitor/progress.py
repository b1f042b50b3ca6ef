"""Progress: what a generator reports once a second about its requests."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from headcount.monitor.duration_histogram import DurationCounts
from headcount.monitor.seq_bitmap import Pages, packed, unpacked


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
    `last_sent_ns` that of its latest, each None if unknown. `starts` has, for each second in which
    a newly ended or an unfinished attempt was sent, the lowest sequence number of these attempts;
    the seconds are counted from the first request. `latency` counts the newly ended attempts by the
    bucket of their response time. `http` and `from_intended` have the durations of all newly ended
    attempts by event type, if something exports them. `lag_ms` is the lateness of the generator's
    timers or arrivals in its last second, and `dropped` the number of arrivals that could not start
    in time. `is_last` says that no other report follows.
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
            [
                [
                    attempts.sent_s,
                    attempts.event_type,
                    attempts.outcome,
                    attempts.cause,
                    attempts.count,
                ]
                for attempts in self.ended
            ],
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
