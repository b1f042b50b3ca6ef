"""Run points: what is exported, before and after the verdict."""

from collections import defaultdict

from headcount.run.locust_exit import Cause, LocustExit
from headcount.run.verdict import Label
from headcount.telemetry import exported_metrics as exported
from headcount.telemetry.exported_metrics import ExportedMetric
from headcount.telemetry.live_totals import EndedRequests, LiveTotals
from headcount.telemetry.run_points import UNREPORTED, RunJudgement, RunPoint, run_points
from tests.headcount.telemetry.sample import COUNTS, EVENT_TYPE, TOTALS, VERDICT

JUDGED = RunJudgement(VERDICT)


def values_of(points: tuple[RunPoint, ...], metric: ExportedMetric) -> dict[tuple[str, ...], float]:
    """Return the values of a metric by label values."""
    return {
        point.labels: point.value
        for point in points
        if point.metric is metric and isinstance(point.value, int | float)
    }


def by_outcome(points: tuple[RunPoint, ...]) -> dict[str, float]:
    """Return the sums of the requests by outcome."""
    sums = defaultdict[str, float](float)
    for (_, outcome, _), value in values_of(points, exported.REQUESTS).items():
        sums[outcome] += value
    return dict(sums)


def test_while_the_run_goes_on() -> None:
    """The points are what was reported; nothing that needs a verdict is among them."""
    points = run_points(TOTALS, None)
    assert by_outcome(points) == {"acked": 8, "failed": 2, "indeterminate": 1}
    assert values_of(points, exported.IN_FLIGHT) == {(EVENT_TYPE,): 1}
    assert values_of(points, exported.BEHIND) == {(): 2}
    assert values_of(points, exported.MISSING) == {(): 1}
    assert {point.metric for point in points}.isdisjoint(
        {exported.EVENTS, exported.FLAGGED, exported.VERDICT, exported.EXIT_CODE}
    )


def test_a_topic_that_nothing_reads_is_not_up_to_date() -> None:
    """Without a reader, there is no number of events that it lags behind."""
    points = run_points(LiveTotals(), None)
    assert {exported.BEHIND, exported.MISSING}.isdisjoint(point.metric for point in points)


def test_the_sums_at_the_end_are_those_of_the_verdict() -> None:
    """Also of requests that a generator had not reported before it was killed."""
    points = run_points(TOTALS, JUDGED)
    assert by_outcome(points) == {key: COUNTS[key] for key in ("acked", "failed", "indeterminate")}
    assert values_of(points, exported.REQUESTS)[EVENT_TYPE, "acked", UNREPORTED] == 1
    assert values_of(points, exported.IN_FLIGHT) == {(EVENT_TYPE,): 0}
    for metric, keys in ((exported.EVENTS, exported.CLASSES), (exported.FLAGGED, exported.FLAGS)):
        expected = {(EVENT_TYPE, key): COUNTS.get(key, 0) for key in keys}
        assert values_of(points, metric) == expected


def test_a_counter_never_falls() -> None:
    """Prometheus takes a fall for a restart: a ledger that has lost rows must not cause one."""
    more = LiveTotals(requests=(EndedRequests(EVENT_TYPE, "acked", "2xx", 100),))
    assert by_outcome(run_points(more, JUDGED))["acked"] == 100


def test_the_verdict_is_the_only_one() -> None:
    """One label is 1 and the others are 0, and the exit code is the command's."""
    verdict = values_of(run_points(TOTALS, JUDGED), exported.VERDICT)
    assert verdict == {(label.words,): int(label is Label.FAIL) for label in Label}
    assert values_of(run_points(TOTALS, JUDGED), exported.EXIT_CODE) == {(): 1}
    passed = RunJudgement(
        type(VERDICT)(run_id="run-1", verdict=Label.PASS.verdict),
        LocustExit(5, Cause.ERROR, "the ledger cannot be written"),
    )
    assert values_of(run_points(TOTALS, passed), exported.EXIT_CODE) == {(): 5}
