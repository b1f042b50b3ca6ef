"""The timeline: what became of the attempts when, and how long a disturbance lasted."""

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
from tests.analysis.history import MS, START_NS, History, event_id

S = 1000 * MS


def deliver(history: History, seq: int, at_ms: int, server: str | None = None) -> None:
    """Add an attempt that is acked and delivered."""
    history.attempt(seq, sent_ms=at_ms, server=server)
    history.arrive(event_id(seq), len(history.messages), at_ms=at_ms + 3)


def over_time(history: History, *marks: Mark) -> Timeline:
    """Judge a history of which something was marked."""
    history.folder.create()
    for mark in marks:
        append_mark(history.folder.marks_path, mark)
    return history.verified().timeline


@pytest.fixture
def outage(tmp_path: Path, spark: SparkSession) -> History:
    """10 s with 10 attempts in each; from 3 s to 5 s none is acknowledged, and 1 s has a 400."""
    history = History(tmp_path, spark)
    for seq in range(100):
        at_ms = seq * 100
        if 3000 <= at_ms < 5000:
            history.attempt(seq, "indeterminate", sent_ms=at_ms, took_ms=None)
        elif at_ms == 1000:
            history.attempt(seq, "failed", sent_ms=at_ms)
        else:
            deliver(history, seq, at_ms)
    return history


def test_a_mark_tells_how_long_it_took_to_recover(outage: History) -> None:
    """From the mark to where requests are acknowledged again; a bad request is no disturbance."""
    found = over_time(
        outage,
        Mark(START_NS + 500 * MS, "quiet"),
        Mark(START_NS + 2800 * MS, "broker killed"),
    )
    assert found.moments == (
        TimelineEvent(START_NS + 500 * MS, "quiet", EventOrigin.MARKED),
        TimelineEvent(START_NS + 2800 * MS, "broker killed", EventOrigin.MARKED, 2200.0),
        TimelineEvent(
            START_NS + 3 * S,
            "nothing that was sent for 2.0 s was acknowledged",
            EventOrigin.OBSERVED,
        ),
    )


def test_what_does_not_end_before_the_next_mark_is_not_recovered(outage: History) -> None:
    """What is well again later is so by what came between."""
    found = over_time(
        outage, Mark(START_NS + 2800 * MS, "killed"), Mark(START_NS + 4 * S, "started again")
    )
    killed, again = (each for each in found.moments if each.source is EventOrigin.MARKED)
    assert (killed.is_recovered, killed.recovered_after_ms) == (False, 1200.0)
    assert (again.is_recovered, again.recovered_after_ms) == (True, 1000.0)


def test_marks_beyond_the_run_disturb_nothing(outage: History) -> None:
    """They are told of, and that is all."""
    found = over_time(outage, Mark(0, "long ago"), Mark(START_NS + 3600 * S, "much later"))
    marked = [each for each in found.moments if each.source is EventOrigin.MARKED]
    assert [each.text for each in marked] == ["long ago", "much later"]
    assert marked[1].recovered_after_ms is None


def test_each_attempt_is_in_one_slice(outage: History) -> None:
    """Slices follow each other without gaps, and add up to the attempts but for bad requests."""
    found = over_time(outage)
    assert [each.at_ns - START_NS for each in found.slices] == [
        index * found.width_ns for index in range(100)
    ]
    assert sum(each.acked + each.refused + each.indeterminate for each in found.slices) == 99
    assert [each.lost for each in found.slices] == [0] * 100


def test_losses_stand_where_they_were_sent(tmp_path: Path, spark: SparkSession) -> None:
    """So that they can be held against what happened then."""
    history = History(tmp_path, spark)
    deliver(history, 0, 0)
    history.attempt(1, sent_ms=750)
    found = over_time(history)
    assert [each.lost for each in found.slices] == [0, 0, 0, 0, 0, 0, 0, 1]


def test_a_run_without_attempts_has_none(tmp_path: Path, spark: SparkSession) -> None:
    """What keeps it from being judged is told as ever."""
    history = History(tmp_path, spark)
    history.reserved[0] = 5
    report = history.verified()
    assert report.timeline == Timeline()
    assert report.counts is not None


def test_a_long_run_has_no_more_slices(tmp_path: Path, spark: SparkSession) -> None:
    """Their width grows instead."""
    history = History(tmp_path, spark)
    deliver(history, 0, 0)
    deliver(history, 1, 24 * 3600 * 1000)
    found = over_time(history)
    assert found.width_ns > FINEST_NS
    assert len(found.slices) <= MOST_SLICES + 1


def test_the_span_of_the_requests(tmp_path: Path, spark: SparkSession) -> None:
    """From the first to the last answer; the verdict says it, for what is read of it later."""
    history = History(tmp_path, spark)
    deliver(history, 0, 250)
    deliver(history, 1, 1500)
    over_time(history)
    document = json.loads((history.folder.path / "verdict.json").read_text())
    assert document["span_s"] == pytest.approx(1.255)


def test_a_process_that_comes_or_goes_is_seen(tmp_path: Path, spark: SparkSession) -> None:
    """By the answers that name it."""
    history = History(tmp_path, spark)
    for seq in range(50):
        deliver(history, seq, seq * 100, server="11" if seq < 30 else "12")
    found = over_time(history)
    assert [(each.at_ns - START_NS, each.text) for each in found.moments] == [
        (2900 * MS, "process 11 of the service answered last"),
        (3000 * MS, "process 12 of the service answered first"),
    ]
