"""Sights: events of the run are counted once, whatever else is in the topic."""

import json

import pytest

from headcount.monitor import topic_counts
from headcount.monitor.message_ids import Identities
from headcount.monitor.seq_bitmap import unpacked
from headcount.monitor.topic_counts import TopicCounter, TopicCounts, dump, load


def message(event_id: str, event_type: str = "sword") -> bytes:
    """An event as the service publishes it."""
    return json.dumps({"event_type": event_type, "X-Event-Id": event_id}).encode()


def test_events_are_counted_once_by_their_type() -> None:
    """What comes again is a duplicate; another run's, and what is none's, is nothing."""
    tally = TopicCounter(Identities("run-1", "X-Event-Id"))
    for each in ("run-1.0.0", "run-1.0.1", "run-1.1.0", "run-1.0.1", "run-2.0.0", "x-run-1.0.5"):
        tally.add(message(each))
    tally.add(message("run-1.0.70000", "guild"))
    tally.add(None)
    tally.add(b"\xff\xfe")
    assert tally.counts() == {"sword": 3, "guild": 1}
    assert tally.duplicated == 1


def test_a_broken_message_has_arrived() -> None:
    """It stands for its request; that it is broken is for the judgement to say."""
    tally = TopicCounter(Identities("run-1", "X-Event-Id"))
    tally.add(message("run-1.0.0")[:-1])
    tally.add(b'{"X-Event-Id": "run-1.0.1"')
    assert tally.counts() == {"sword": 1, "other": 1}


def test_what_was_seen_is_told_once() -> None:
    """By generator, what is new since it was told last."""
    tally = TopicCounter(Identities("run-1", "X-Event-Id"))
    for each in ("run-1.0.0", "run-1.0.5000", "run-1.3.1", "run-1.0.0"):
        tally.add(message(each))
    seen = {generator: unpacked(pages) for generator, pages in tally.seen().items()}
    assert seen == {0: {0: 1, 1: 1 << 904}, 3: {0: 2}}
    tally.add(message("run-1.0.0"))
    assert tally.seen() == {}


def test_several_ids_are_no_duplicate() -> None:
    """Each may be the message's own: none of them is missing, and none came twice for that."""
    tally = TopicCounter(Identities("run-1", "id"))
    tally.add(b'["run-1.0.1", "run-1.0.2"]')
    tally.add(b'["run-1.0.2", "run-1.0.1"]')
    assert tally.duplicated == 0
    assert set(unpacked(tally.seen()[0])) == {0}


def test_ids_of_anyone_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond so many far-flung ids they are counted without being told apart."""
    monkeypatch.setattr(topic_counts, "_MOST_PAGES", 2)
    tally = TopicCounter(Identities("run-1", "X-Event-Id"))
    for each in (1, 10**12, 10**17, 10**17, 1):
        tally.add(message(f"run-1.0.{each}"))
    assert (tally.counts(), tally.duplicated) == ({"sword": 4}, 1)


def test_types_of_anyone_do_not_either(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond so many names the rest goes together."""
    monkeypatch.setattr(topic_counts, "MOST_TYPES", 2)
    tally = TopicCounter(Identities("run-1", "X-Event-Id"))
    for number, each in enumerate(("a", "b", "c", "d", "a")):
        tally.add(message(f"run-1.0.{number}", each))
    assert tally.counts() == {"a": 2, "b": 1, "other": 2}


def test_a_line_is_a_sight_or_none() -> None:
    """As it was written; whatever else stands there is skipped."""
    seen = TopicCounts(2.5, 1.5, {"sword": 3}, 1, 4, {0: [(0, "1f")]}, "no broker")
    assert load(dump(seen)) == seen
    assert load(b"Traceback (most recent call last):") is None
    assert load(b'{"at_s": 1}') is None
