"""Verifying whole histories, each a literal one: sane, empty, and every pathology."""

from analysis.classes import Counts
from headcount.verdict import Verdict
from tests.analysis.history import History, event_id


def test_sane(history: History) -> None:
    """Everything acked is there once: a pass, and the sums come out."""
    history.deliver(3)

    report = history.verified()

    assert report.reasons == ()
    assert report.verdict is Verdict.PASS
    assert report.counts == Counts(attempted=3, acked=3, delivered=3)


def test_lost(history: History) -> None:
    history.deliver(3)
    history.attempt(3)

    report = history.verified()

    assert report.verdict is Verdict.FAIL
    assert report.counts == Counts(attempted=4, acked=4, delivered=3, lost=1)
    assert event_id(3)
