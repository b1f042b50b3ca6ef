"""The baseline: which runs it has, and how a run compares with it."""

from headcount_analysis.compare_runs.change import ChangeLabel
from headcount_analysis.history.baseline import assessments
from headcount_analysis.history.entry import HistoryEntry

from headcount.run.verdict import Label
from headcount.thresholds.metrics import Metric
from tests.analysis.history.entries import an_entry, noisy

LOST, P99 = Metric("lost"), Metric("http", None, "p99")
STEADY = [an_entry(number, noisy(number)) for number in range(12)]


def last_label(runs: list[HistoryEntry], metric: Metric) -> ChangeLabel | None:
    """Return the label of the last run's change."""
    (*_, run) = assessments(runs, 10)
    change = run.change_of(metric)
    return None if change is None else change.label


def test_a_rise_from_zero_is_worse() -> None:
    """A single lost event, after a single passing run: a count needs no statistics."""
    assert last_label([an_entry(0), an_entry(1, lost=1)], LOST) is ChangeLabel.WORSE
    (*_, run) = assessments([an_entry(0), an_entry(1, lost=1)], 10)
    assert [change.metric for change in run.worse] == [LOST]


def test_a_count_that_does_not_count_against_the_run_is_not_worse() -> None:
    """Late events are reported only, unless the run limits them."""
    late = {**an_entry(1).counts, "late": 5}
    assert last_label([an_entry(0), an_entry(1, counts=late)], Metric("late")) is ChangeLabel.MORE
    judged = (*an_entry(1).judged, "late")
    limited = an_entry(1, counts=late, judged=judged)
    assert last_label([an_entry(0), limited], Metric("late")) is ChangeLabel.WORSE


def test_a_speed_is_compared_with_the_noise_of_the_baseline() -> None:
    """A run within it is noise, one far beyond it is slower or faster."""
    assert last_label([*STEADY, an_entry(12, 103)], P99) is ChangeLabel.NOISE
    assert last_label([*STEADY, an_entry(12, 180)], P99) is ChangeLabel.SLOWER
    assert last_label([*STEADY, an_entry(12, 50)], P99) is ChangeLabel.FASTER


def test_a_baseline_has_the_last_passing_runs() -> None:
    """Neither failed nor inconclusive ones, nor those of a broken threshold."""
    labels = [Label.PASS, Label.FAIL, Label.INCONCLUSIVE, Label.THRESHOLD_BROKEN, *[Label.PASS] * 3]
    runs = [an_entry(number, label=label) for number, label in enumerate(labels)]
    by_run = [assessment.baseline for assessment in assessments(runs, 2)]
    assert by_run[0] == ()
    assert by_run[4] == ("run-0000",)
    assert by_run[6] == ("run-0004", "run-0005")


def test_without_a_baseline_nothing_is_compared() -> None:
    """Neither the first run, nor a speed after two runs."""
    assert last_label([an_entry(0, lost=3)], LOST) is None
    two = [an_entry(0, 100), an_entry(1, 101), an_entry(2, 500)]
    assert last_label(two, P99) is None
    assert last_label(two, LOST) is ChangeLabel.SAME


def test_an_inconclusive_run_is_not_compared() -> None:
    """Its figures prove nothing, so they do not shift a baseline either."""
    (*_, run) = assessments([*STEADY, an_entry(12, 500, label=Label.INCONCLUSIVE)], 10)
    assert run.changes == ()
    assert run.baseline
