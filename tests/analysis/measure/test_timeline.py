"""The timeline: outcomes over time, and how long disturbances lasted."""

import json
from pathlib import Path

import pytest
from headcount_analysis.measure.timeline import (
    FINEST_NS,
    MOST_SLICES,
    EventOrigin,
    Timeline,
    TimelineEvent,
)
from pyspark.sql import SparkSession

from headcount.run.marks import Mark, append_mark
from tests.analysis.synthetic_run import MS, START_NS, RunHistory, event_id

S = 1000 * MS


def deliver(history: RunHistory, seq: int, at_ms: int, server: str | None = None) -> None:
    """Add an attempt that is acked and delivered."""
    history.attempt(seq, sent_ms=at_ms, server=server)
    history.arrive(event_id(seq), len(history.messages), at_ms=at_ms + 3)


def over_time(history: RunHistory, *marks: Mark) -> Timeline:
    """Verify a history with marks."""
    history.folder.create()
    for mark in marks:
        append_mark(history.folder.marks_path, mark)
    return history.verified().timeline


@pytest.fixture
def outage(tmp_path: Path, spark: SparkSession) -> RunHistory:
    """10 s with 10 attempts each; none from 3 s to 5 s is acknowledged, and one at 1 s gets 400."""
    history = RunHistory(tmp_path, spark)
    for seq in range(100):
        at_ms = seq * 100
        if 3000 <= at_ms < 5000:
            history.attempt(seq, "indeterminate", sent_ms=at_ms, took_ms=None)
        elif at_ms == 1000:
            history.attempt(seq, "failed", sent_ms=at_ms)
        else:
            deliver(history, seq, at_ms)
    return history


def test_a_mark_has_its_time_to_recover(outage: RunHistory) -> None:
    """It lasts until requests are acknowledged again; a bad request is not a disturbance."""
    timeline = over_time(
        outage,
        Mark(START_NS + 500 * MS, "quiet"),
        Mark(START_NS + 2800 * MS, "broker killed"),
    )
    assert timeline.moments == (
        TimelineEvent(START_NS + 500 * MS, "quiet", EventOrigin.MARKED),
        TimelineEvent(START_NS + 2800 * MS, "broker killed", EventOrigin.MARKED, 2200.0),
        TimelineEvent(
            START_NS + 3 * S,
            "no request sent in the next 2.0 s was acknowledged",
            EventOrigin.OBSERVED,
        ),
    )


def test_a_disturbance_that_lasts_until_the_next_mark_is_not_recovered(outage: RunHistory) -> None:
    """A later recovery counts for the later mark."""
    timeline = over_time(
        outage, Mark(START_NS + 2800 * MS, "killed"), Mark(START_NS + 4 * S, "started again")
    )
    killed, again = (moment for moment in timeline.moments if moment.source is EventOrigin.MARKED)
    assert (killed.is_recovered, killed.recovered_after_ms) == (False, 1200.0)
    assert (again.is_recovered, again.recovered_after_ms) == (True, 1000.0)


def test_marks_beyond_the_run_disturb_nothing(outage: RunHistory) -> None:
    """They are listed, without a time to recover."""
    timeline = over_time(outage, Mark(0, "long ago"), Mark(START_NS + 3600 * S, "much later"))
    marked = [moment for moment in timeline.moments if moment.source is EventOrigin.MARKED]
    assert [moment.text for moment in marked] == ["long ago", "much later"]
    assert marked[1].recovered_after_ms is None


def test_each_attempt_is_in_one_slice(outage: RunHistory) -> None:
    """Slices are contiguous, and add up to all attempts except bad requests."""
    timeline = over_time(outage)
    assert [time_slice.at_ns - START_NS for time_slice in timeline.slices] == [
        index * timeline.width_ns for index in range(100)
    ]
    assert (
        sum(
            time_slice.acked + time_slice.refused + time_slice.indeterminate
            for time_slice in timeline.slices
        )
        == 99
    )
    assert [time_slice.lost for time_slice in timeline.slices] == [0] * 100


def test_losses_count_where_they_were_sent(tmp_path: Path, spark: SparkSession) -> None:
    """So they can be compared with the events at that time."""
    history = RunHistory(tmp_path, spark)
    deliver(history, 0, 0)
    history.attempt(1, sent_ms=750)
    timeline = over_time(history)
    assert [time_slice.lost for time_slice in timeline.slices] == [0, 0, 0, 0, 0, 0, 0, 1]


def test_a_run_without_attempts_has_no_timeline(tmp_path: Path, spark: SparkSession) -> None:
    """The rest of the report exists nevertheless."""
    history = RunHistory(tmp_path, spark)
    history.reserved[0] = 5
    report = history.verified()
    assert report.timeline == Timeline()
    assert report.counts is not None


def test_a_long_run_has_no_more_slices(tmp_path: Path, spark: SparkSession) -> None:
    """The slices are wider instead."""
    history = RunHistory(tmp_path, spark)
    deliver(history, 0, 0)
    deliver(history, 1, 24 * 3600 * 1000)
    timeline = over_time(history)
    assert timeline.width_ns > FINEST_NS
    assert len(timeline.slices) <= MOST_SLICES + 1


def test_the_span_of_the_requests(tmp_path: Path, spark: SparkSession) -> None:
    """The verdict has the span from the first request to the last response."""
    history = RunHistory(tmp_path, spark)
    deliver(history, 0, 250)
    deliver(history, 1, 1500)
    over_time(history)
    document = json.loads((history.folder.path / "verdict.json").read_text())
    assert document["span_s"] == pytest.approx(1.255)


def test_a_process_that_appears_or_disappears_is_seen(tmp_path: Path, spark: SparkSession) -> None:
    """The responses name it."""
    history = RunHistory(tmp_path, spark)
    for seq in range(50):
        deliver(history, seq, seq * 100, server="11" if seq < 30 else "12")
    timeline = over_time(history)
    assert [(moment.at_ns - START_NS, moment.text) for moment in timeline.moments] == [
        (2900 * MS, "last response from service process 11"),
        (3000 * MS, "first response from service process 12"),
    ]
