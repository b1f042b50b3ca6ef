"""Run points: the values of every metric at one moment, from live totals and the verdict. Pure.

While a run goes on, the counters are the sums of what generators have reported. Once it is judged,
they are those of verdict.json: a generator that was killed may not have reported everything.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from headcount.monitor.duration_histogram import DurationCounts
from headcount.run.locust_exit import LocustExit
from headcount.run.request_outcome import Outcome
from headcount.run.verdict import Label, StoredVerdict
from headcount.telemetry import exported_metrics as exported
from headcount.telemetry.exported_metrics import ExportedMetric
from headcount.telemetry.live_totals import LiveTotals

UNREPORTED = "unreported"
"""The status class of requests that only the ledger knows."""


@dataclass(frozen=True, slots=True)
class RunPoint:
    """A value of a metric; `labels` are in the order of the metric's own."""

    metric: ExportedMetric
    labels: tuple[str, ...]
    value: float | DurationCounts


@dataclass(frozen=True, slots=True)
class RunJudgement:
    """What is known of a run once it is judged."""

    verdict: StoredVerdict
    locust_exit: LocustExit | None = None

    @property
    def exit_code(self) -> int:
        """The exit code of `headcount run` and `headcount verify`."""
        code = self.verdict.label.exit_code
        return code if self.locust_exit is None else self.locust_exit.worse(code)

    @property
    def by_event_type(self) -> Mapping[str, Mapping[str, int]]:
        """The counts by event type; empty if nothing could be counted."""
        return self.verdict.by_event_type or {}


def run_points(totals: LiveTotals, judgement: RunJudgement | None) -> tuple[RunPoint, ...]:
    """Return all values; those that need a verdict are left out while there is none."""
    points = [*_request_points(totals, judgement), *_duration_points(totals)]
    points += _load_points(totals, is_over=judgement is not None)
    if judgement is not None:
        points += [*_event_points(judgement), *_verdict_points(judgement)]
    return tuple(points)


def _request_points(totals: LiveTotals, judgement: RunJudgement | None) -> Iterator[RunPoint]:
    counts = Counter[tuple[str, ...]]()
    reported = Counter[tuple[str, str]]()
    for ended in totals.requests:
        counts[ended.event_type, ended.outcome, ended.status_class] += ended.count
        reported[ended.event_type, ended.outcome] += ended.count
    if judgement is not None:
        for name, by_key in judgement.by_event_type.items():
            for outcome in Outcome:
                # A counter must not fall, even if the ledger has lost what was reported.
                beyond = by_key.get(outcome, 0) - reported[name, outcome]
                if beyond > 0:
                    counts[name, outcome.value, UNREPORTED] = beyond
    for labels, count in sorted(counts.items()):
        yield RunPoint(exported.REQUESTS, labels, count)


def _duration_points(totals: LiveTotals) -> Iterator[RunPoint]:
    for metric, by_type in (
        (exported.DURATION, totals.http),
        (exported.DURATION_FROM_INTENDED, totals.from_intended),
    ):
        for name, counts in sorted(by_type.items()):
            yield RunPoint(metric, (name,), counts)


def _load_points(totals: LiveTotals, *, is_over: bool) -> Iterator[RunPoint]:
    for name, count in sorted(totals.in_flight.items()):
        yield RunPoint(exported.IN_FLIGHT, (name,), 0 if is_over else count)
    if not is_over:
        for metric, known in ((exported.BEHIND, totals.behind), (exported.MISSING, totals.missing)):
            if known is not None:
                yield RunPoint(metric, (), known)
        yield RunPoint(exported.SCHEDULE_LAG, (), totals.schedule_lag_s)
    yield RunPoint(exported.DROPPED, (), totals.dropped)


def _event_points(judgement: RunJudgement) -> Iterator[RunPoint]:
    for metric, keys in (
        (exported.EVENTS, exported.CLASSES),
        (exported.FLAGGED, exported.FLAGS),
    ):
        for name, by_key in sorted(judgement.by_event_type.items()):
            for key in keys:
                yield RunPoint(metric, (name, key), by_key.get(key, 0))


def _verdict_points(judgement: RunJudgement) -> Iterator[RunPoint]:
    for label in Label:
        value = int(label is judgement.verdict.label)
        yield RunPoint(exported.VERDICT, (label.words,), value)
    yield RunPoint(exported.EXIT_CODE, (), judgement.exit_code)
