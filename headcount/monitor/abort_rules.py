"""Abort rules: detect a broken `abort` threshold during the test, so that the test can stop.

The rules are conservative, because a stopped test cannot be resumed. What each metric waits for:

    count            nothing: it only grows, so a count above its limit stays above it
    http.max         nothing, for the same reason
    fail_ratio <= 0  nothing: after one failure it is never 0 again
    fail_ratio       FEWEST_SAMPLES, and enough that a single failure would not break the threshold
    http.min         FEWEST_SAMPLES
    http.mean        FEWEST_SAMPLES, and the mean is too long even without the longest request
    http.pNN         FEWEST_SAMPLES, and enough that one of them lies beyond the percentile
    rps > limit      RATED_AFTER_S, and the rate of all generators is too low even if their requests
                     are divided by the longest time for which a single generator sent requests
    rps < limit      RATED_AFTER_S, and it is too high even if they are divided by the time from the
                     first to the last request of any generator

If a generator's clock differs from the master's, its times are converted to the master's; the
arrival of its first report shows the difference. A duration is too long only if it exceeds its
limit by more than the sketch's error. The verdict after the run is exact, and considers every
request.
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
MOST_DELAY_S = 2.0
"""The clocks count as equal if a report arrives at most this long after the time it states."""
FEWEST_SAMPLES = 20
"""How many requests most rules wait for (see above): the first ones are slow, because connections
are opened, and caches are empty."""


@dataclass(frozen=True, slots=True)
class BrokenThreshold:
    """A broken threshold and its measured value."""

    threshold: Threshold
    value: float

    def __str__(self) -> str:
        """Format it as one line."""
        return f"{self.threshold.text}: {self.threshold.show(self.value)}"


@dataclass(slots=True)
class _WatchedThreshold:
    """A threshold and the measurements within its time window and event type."""

    threshold: Threshold
    counts: Counter[str] = field(default_factory=Counter)
    longest_ms: float = 0.0
    sketch: DDSketch = field(default_factory=lambda: DDSketch(ACCURACY))

    def covers(self, event_type: str, sent_s: int, first_s: int) -> bool:
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
    """Checks the `abort` thresholds; the other thresholds are checked after the run."""

    def __init__(self, thresholds: Iterable[Threshold]) -> None:
        self._watched = [
            _WatchedThreshold(threshold) for threshold in thresholds if threshold.abort
        ]
        self._spans_s: dict[int, tuple[int, int]] = {}
        self._shifts_s: dict[int, int] = {}
        self._has_unknown_clock = False

    @property
    def needs_durations(self) -> bool:
        """Whether generators must report how long each request took."""
        return any(watched.threshold.kind is MetricKind.DURATION for watched in self._watched)

    @property
    def needing_topic(self) -> tuple[str, ...]:
        """The thresholds that need counts from the topic."""
        return tuple(
            watched.threshold.text
            for watched in self._watched
            if METRICS[watched.threshold.metric].live is LiveSource.TOPIC
        )

    def receive(self, progress: Progress, arrived_s: float | None = None) -> None:
        """Add a generator's report, which arrived at a Unix time by the master's clock."""
        is_known = progress.clock_s is not None and arrived_s is not None
        shift_s = self._shifts_s.setdefault(progress.generator, _shift_s(progress, arrived_s))
        # A shift is kept, so one that was taken from an unknown clock stays unknown.
        self._has_unknown_clock = self._has_unknown_clock or not is_known
        for ended in progress.ended:
            self._note_time(progress.generator, ended.sent_s + shift_s)
        for watched in self._watched:
            for attempts in progress.ended:
                if self._covers(watched, attempts.event_type, attempts.sent_s + shift_s):
                    watched.count(attempts)
            for durations in progress.durations:
                if self._covers(watched, durations.event_type, durations.sent_s + shift_s):
                    watched.measure(durations)

    def _note_time(self, generator: int, sent_s: int) -> None:
        first_s, last_s = self._spans_s.get(generator, (sent_s, sent_s))
        self._spans_s[generator] = min(first_s, sent_s), max(last_s, sent_s)

    def _covers(self, watched: _WatchedThreshold, event_type: str, sent_s: int) -> bool:
        first_s = min((first_s for first_s, _ in self._spans_s.values()), default=sent_s)
        return watched.covers(event_type, sent_s, first_s)

    def broken(self, stats: LiveStats) -> BrokenThreshold | None:
        """The first broken threshold, or None."""
        for watched in self._watched:
            value = self._value(watched, stats)
            if value is not None and not watched.threshold.holds(value):
                return BrokenThreshold(watched.threshold, value)
        return None

    def _value(self, watched: _WatchedThreshold, stats: LiveStats) -> float | None:
        threshold = watched.threshold
        match threshold.kind:
            case MetricKind.DURATION:
                return _duration_ms(watched)
            case MetricKind.RATIO:
                return _ratio(watched)
            case MetricKind.RATE:
                return self._rate(watched, stats)
            case MetricKind.COUNT:
                in_topic = {"lost": stats.missing, "duplicated": stats.duplicated}
                value = evaluate(threshold.measures, {**watched.counts, **in_topic}, 0) or 0
                # A count below an exact limit may still reach it.
                return None if threshold.comparison == "==" and value < threshold.limit else value

    def _rate(self, watched: _WatchedThreshold, stats: LiveStats) -> float | None:
        """Estimate requests per second in the run's favour.

        For a lower limit, the estimate is at least the true rate; for an upper limit, at most.
        """
        has_unknown_clock = len(self._shifts_s) > 1 and self._has_unknown_clock
        if has_unknown_clock and not watched.threshold.window.is_whole:
            return None
        lengths_s = self._lengths_s(watched)
        if watched.threshold.comparison in {"<", "<="}:
            length_s = lengths_s[-1]
            is_long = length_s >= RATED_AFTER_S
            return watched.counts["attempted"] / (length_s + 1) if is_long else None
        # The longest span of one generator is used: differing clocks would lengthen the span over
        # all. Requests in flight are added: they were sent, but are reported only when they end.
        length_s = max(lengths_s[:-1], default=0)
        attempted = watched.counts["attempted"] + stats.in_flight
        return attempted / length_s if length_s >= RATED_AFTER_S else None

    def _lengths_s(self, watched: _WatchedThreshold) -> list[float]:
        """Return for how long each generator sent requests in the window, in s.

        The last element is the length of the span over all generators.
        """
        if not self._spans_s:
            return [0.0]
        window = watched.threshold.window
        all_s = (
            min(first_s for first_s, _ in self._spans_s.values()),
            max(last_s for _, last_s in self._spans_s.values()),
        )
        start_s = all_s[0] + math.ceil(window.after_s)
        end_s = math.inf if window.for_s is None else start_s + window.for_s
        spans_s = (*self._spans_s.values(), all_s)
        return [min(last_s, end_s) - max(first_s, start_s) for first_s, last_s in spans_s]


def _shift_s(progress: Progress, arrived_s: float | None) -> int:
    """Return what to add to a generator's times to convert them to the master's clock."""
    if progress.clock_s is None or arrived_s is None:
        return 0
    shift_s = arrived_s - progress.clock_s
    return 0 if 0 <= shift_s <= MOST_DELAY_S else round(shift_s)


def _ratio(watched: _WatchedThreshold) -> float | None:
    """Return the share of unacknowledged attempts; None if there are too few attempts."""
    attempted, threshold = watched.counts["attempted"], watched.threshold
    if not attempted:
        return None
    is_certain = threshold.limit == 0
    is_enough = attempted >= FEWEST_SAMPLES and threshold.holds(1 / attempted)
    return evaluate(threshold.measures, watched.counts, 0) if is_certain or is_enough else None


def _duration_ms(watched: _WatchedThreshold) -> float | None:
    """Return the mean, or a lower bound of any other aggregate; None if nothing is certain."""
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
