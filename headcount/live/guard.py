"""The guard: tells of a threshold that is broken while the test goes on, and is to stop it.

It is careful: a percentile or a share is looked at when there are so many requests that one of them
alone does not decide it, a rate when it was asked for some seconds long, and a duration counts as
too long when it is so beyond the sketch's accuracy. The run's own judgement is exact.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from ddsketch import DDSketch

from headcount.live.gauge import Gauge
from headcount.live.progress import Durations, Ended, Progress
from headcount.metrics import SEEN_IN_TOPIC, Kind
from headcount.outcome import Outcome
from headcount.thresholds import Threshold

ACCURACY = 0.01
RATED_AFTER_S = 5


@dataclass(frozen=True, slots=True)
class Broken:
    """A threshold that is broken, and what was measured."""

    threshold: Threshold
    value: float

    def __str__(self) -> str:
        """Say it in a line."""
        return f"{self.threshold.text}: {self.threshold.show(self.value)}"


@dataclass(slots=True)
class _Watched:
    """A threshold and what it looks at, of the seconds and the event type that are its own."""

    threshold: Threshold
    attempted: int = 0
    not_acked: int = 0
    counted: int = 0
    sketch: DDSketch = field(default_factory=lambda: DDSketch(ACCURACY))

    def is_of(self, event_type: str, sent_s: int, first_s: int) -> bool:
        window, elapsed_s = self.threshold.window, sent_s - first_s
        is_in = window.after_s <= elapsed_s
        if window.for_s is not None:
            is_in &= elapsed_s < window.after_s + window.for_s
        return is_in and self.threshold.event_type in {None, event_type}

    def count(self, ended: Ended) -> None:
        self.attempted += ended.count
        self.not_acked += ended.count * (ended.outcome != Outcome.ACKED)
        self.counted += ended.count * (self.threshold.metric in {"attempted", ended.outcome})

    def measure(self, durations: Durations) -> None:
        is_http = self.threshold.metric == "http"
        for duration_us in durations.http_us if is_http else durations.from_intended_us:
            self.sketch.add(duration_us / 1000)


class Guard:
    """Watches over the thresholds that abort; the others it leaves to the judgement."""

    def __init__(self, thresholds: Iterable[Threshold]) -> None:
        self._watched = [_Watched(each) for each in thresholds if each.abort]
        self._first_s: int | None = None
        self._last_s = 0

    @property
    def needs_durations(self) -> bool:
        """Whether generators must tell how long each request took."""
        return any(each.threshold.kind is Kind.DURATION for each in self._watched)

    @property
    def needs_topic(self) -> bool:
        """Whether what is seen in the topic must be known."""
        return any(each.threshold.metric in SEEN_IN_TOPIC for each in self._watched)

    def tell(self, progress: Progress) -> None:
        """Take what a generator tells."""
        for ended in progress.ended:
            self._first_s = min(ended.sent_s, self._first_s or ended.sent_s)
            self._last_s = max(self._last_s, ended.sent_s)
        for watched in self._watched:
            for each in progress.ended:
                if watched.is_of(each.event_type, each.sent_s, self._first_s or each.sent_s):
                    watched.count(each)
            for durations in progress.durations:
                if watched.is_of(
                    durations.event_type, durations.sent_s, self._first_s or durations.sent_s
                ):
                    watched.measure(durations)

    def broken(self, gauge: Gauge) -> Broken | None:
        """The first threshold that is broken, or None."""
        for watched in self._watched:
            value = self._value(watched, gauge)
            if value is not None and not watched.threshold.holds(value):
                return Broken(watched.threshold, value)
        return None

    def _value(self, watched: _Watched, gauge: Gauge) -> float | None:
        threshold = watched.threshold
        match threshold.kind:
            case Kind.DURATION:
                return _duration_ms(watched)
            case Kind.RATIO:
                is_enough = watched.attempted * threshold.limit >= 1
                return watched.not_acked / watched.attempted if is_enough else None
            case Kind.RATE:
                return self._rate(watched, gauge)
            case _ if threshold.metric == "lost":
                value = gauge.missing
            case _ if threshold.metric == "duplicated":
                value = gauge.duplicated
            case _:
                value = watched.counted
        # Less than a limit that must be met exactly is not broken yet.
        return None if threshold.comparison == "==" and value < threshold.limit else value

    def _rate(self, watched: _Watched, gauge: Gauge) -> float | None:
        """Requests a second; the most that it can be for a lower limit, else the least."""
        if self._first_s is None:
            return None
        window = watched.threshold.window
        start_s = self._first_s + math.ceil(window.after_s)
        end_s = self._last_s if window.for_s is None else min(self._last_s, start_s + window.for_s)
        length_s = end_s - start_s
        if length_s < RATED_AFTER_S:
            return None
        if watched.threshold.comparison in {"<", "<="}:
            return watched.attempted / (length_s + 1)
        # What is in flight was sent as well, and is told of only when it is over.
        return (watched.attempted + gauge.in_flight) / length_s


def _duration_ms(watched: _Watched) -> float | None:
    """The least that the duration can be, if there are enough to tell."""
    threshold, sketch = watched.threshold, watched.sketch
    count = int(sketch.count)
    if threshold.aggregate == "mean":
        return sketch.avg if count else None
    quantile = {"min": 0.0, "max": 1.0}.get(threshold.aggregate, threshold.quantile)
    assert quantile is not None
    is_percentile = threshold.quantile is not None
    if not count or (is_percentile and count * (1 - quantile) < 1):
        return None
    value = sketch.get_quantile_value(quantile)
    return None if value is None else value * (1 - ACCURACY)
