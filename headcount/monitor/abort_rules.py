"""The guard: tells of a threshold that is broken while the test goes on, and is to stop it.

It is careful, for a test that was stopped cannot be made up for. How much it waits for:

    count            nothing: it only grows, and one above the limit is broken for good
    http.max         nothing, for the same reason
    fail_ratio <= 0  nothing: after one failure it is never 0 again
    fail_ratio       FEWEST_SAMPLES, and so many that one failure alone would keep the threshold
    http.min         FEWEST_SAMPLES
    http.mean        FEWEST_SAMPLES, and without its longest request it is still too long
    http.pNN         FEWEST_SAMPLES, and so many that one lies beyond the percentile
    rps              RATED_AFTER_S

A duration counts as too long when it is so beyond the sketch's accuracy. The run's own judgement is
exact, and looks at all.
"""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from ddsketch import DDSketch

from headcount.monitor.live_stats import LiveStats
from headcount.monitor.progress import Durations, Ended, Progress
from headcount.thresholds.evaluation import evaluate
from headcount.thresholds.grammar import Threshold
from headcount.thresholds.metrics import METRICS, LiveSource, MetricKind

ACCURACY = 0.01
RATED_AFTER_S = 5
FEWEST_SAMPLES = 20
"""The first requests are slow: connections are opened, and caches are empty."""


@dataclass(frozen=True, slots=True)
class BrokenThreshold:
    """A threshold that is broken, and what was measured."""

    threshold: Threshold
    value: float

    def __str__(self) -> str:
        """Say it in a line."""
        return f"{self.threshold.text}: {self.threshold.show(self.value)}"


@dataclass(slots=True)
class _WatchedThreshold:
    """A threshold and what it looks at, of the seconds and the event type that are its own."""

    threshold: Threshold
    counts: Counter[str] = field(default_factory=Counter)
    longest_ms: float = 0.0
    sketch: DDSketch = field(default_factory=lambda: DDSketch(ACCURACY))

    def is_of(self, event_type: str, sent_s: int, first_s: int) -> bool:
        window, elapsed_s = self.threshold.window, sent_s - first_s
        is_in = window.after_s <= elapsed_s
        if window.for_s is not None:
            is_in &= elapsed_s < window.after_s + window.for_s
        return is_in and self.threshold.event_type in {None, event_type}

    def count(self, ended: Ended) -> None:
        self.counts["attempted"] += ended.count
        self.counts[ended.outcome] += ended.count

    def measure(self, durations: Durations) -> None:
        is_http = self.threshold.metric == "http"
        for duration_us in durations.http_us if is_http else durations.from_intended_us:
            self.sketch.add(duration_us / 1000)
            self.longest_ms = max(self.longest_ms, duration_us / 1000)


class AbortRules:
    """Watches over the thresholds that abort; the others it leaves to the judgement."""

    def __init__(self, thresholds: Iterable[Threshold]) -> None:
        self._watched = [_WatchedThreshold(each) for each in thresholds if each.abort]
        self._first_s: int | None = None
        self._last_s = 0

    @property
    def needs_durations(self) -> bool:
        """Whether generators must tell how long each request took."""
        return any(each.threshold.kind is MetricKind.DURATION for each in self._watched)

    @property
    def needing_topic(self) -> tuple[str, ...]:
        """The thresholds for which what is seen in the topic must be known."""
        return tuple(
            each.threshold.text
            for each in self._watched
            if METRICS[each.threshold.metric].live is LiveSource.TOPIC
        )

    def receive(self, progress: Progress) -> None:
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

    def broken(self, gauge: LiveStats) -> BrokenThreshold | None:
        """The first threshold that is broken, or None."""
        for watched in self._watched:
            value = self._value(watched, gauge)
            if value is not None and not watched.threshold.holds(value):
                return BrokenThreshold(watched.threshold, value)
        return None

    def _value(self, watched: _WatchedThreshold, gauge: LiveStats) -> float | None:
        threshold = watched.threshold
        match threshold.kind:
            case MetricKind.DURATION:
                return _duration_ms(watched)
            case MetricKind.RATIO:
                return _ratio(watched)
            case MetricKind.RATE:
                return self._rate(watched, gauge)
            case MetricKind.COUNT:
                in_topic = {"lost": gauge.missing, "duplicated": gauge.duplicated}
                value = evaluate(threshold.measures, {**watched.counts, **in_topic}, 0) or 0
                # Less than a limit that must be met exactly is not broken yet.
                return None if threshold.comparison == "==" and value < threshold.limit else value

    def _rate(self, watched: _WatchedThreshold, gauge: LiveStats) -> float | None:
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
            return watched.counts["attempted"] / (length_s + 1)
        # What is in flight was sent as well, and is told of only when it is over.
        return (watched.counts["attempted"] + gauge.in_flight) / length_s


def _ratio(watched: _WatchedThreshold) -> float | None:
    """Give the share of attempts that were not acknowledged, if there are enough to tell."""
    attempted, threshold = watched.counts["attempted"], watched.threshold
    if not attempted:
        return None
    is_certain = threshold.limit == 0
    is_enough = attempted >= FEWEST_SAMPLES and threshold.holds(1 / attempted)
    return evaluate(threshold.measures, watched.counts, 0) if is_certain or is_enough else None


def _duration_ms(watched: _WatchedThreshold) -> float | None:
    """Give the least that the duration can be, if there are enough to tell."""
    threshold, sketch = watched.threshold, watched.sketch
    count = int(sketch.count)
    if not count or (threshold.aggregate != "max" and count < FEWEST_SAMPLES):
        return None
    if threshold.aggregate == "mean":
        without_longest = (sketch.sum - watched.longest_ms) / (count - 1)
        return None if threshold.holds(without_longest) else sketch.avg
    quantile = {"min": 0.0, "max": 1.0}.get(threshold.aggregate, threshold.quantile)
    assert quantile is not None
    is_percentile = threshold.quantile is not None
    if is_percentile and count * (1 - quantile) < 1:
        return None
    value = sketch.get_quantile_value(quantile)
    return None if value is None else value * (1 - ACCURACY)
