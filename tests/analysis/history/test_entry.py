"""Entries: what is kept of a verdict, and which documents are refused."""

import json
from typing import Any

import pytest
from headcount_analysis.history.entry import HistoryEntry, entry_of

from headcount.errors import EvidenceError
from headcount.run.verdict import Label
from tests.analysis.compare_runs.sample import counts, verdict

LOST = {"name": "lost", "result": "broken", "area": "delivery", "evidence": "2 lost, 0 allowed"}


def entry(**changes: Any) -> HistoryEntry:
    """Make the entry of a run."""
    return entry_of("a-run", json.dumps({**verdict("a-run"), **changes}))


def test_what_is_kept() -> None:
    """The figures of all event types together, the label by the checks, and what broke."""
    kept = entry(topic="events", checks=[LOST], counts=counts(lost=2))
    assert (kept.label, kept.broken) == (Label.FAIL, ("2 lost, 0 allowed",))
    assert kept.defects == {"lost": 2}
    assert kept.figures == {
        "rps": 100.0,
        "http.p50": 20.0,
        "http.p99": 100.0,
        "end_to_end.p99": 100.0,
    }
    assert (kept.scenario, kept.target) == ("mixed.py", "http://127.0.0.1:8000 → events")
    assert kept.load == "20 users for 30 s"


@pytest.mark.parametrize(
    ("options", "load"),
    [
        ({"num_users": 20, "run_time": 30, "seed": 7}, "20 users for 30 s"),
        ({"rate": "200/s", "run_time": 300, "num_users": None}, "200/s for 300 s"),
        ({"num_users": 5, "mix": "sword=1"}, "5 users, mix sword=1"),
        ({}, "load not recorded"),
    ],
)
def test_the_load_in_words(options: dict[str, Any], load: str) -> None:
    """Without what does not affect it, such as the seed."""
    assert entry(options=options).load == load


def test_the_conditions_of_a_comparison() -> None:
    """Those of `headcount compare`: options but the seed, the promise, the kind of timestamps."""
    same = entry(options={"num_users": 20, "seed": 1}), entry(options={"num_users": 20, "seed": 2})
    assert same[0].conditions == same[1].conditions
    others = [
        entry(options={"num_users": 20, "spawn_rate": 3}),
        entry(options={"num_users": 20}, promise="acks=1"),
        entry(options={"num_users": 20}, timestamps=["CreateTime"]),
    ]
    assert len({run.conditions for run in (*same, *others)}) == 4


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"run_id": "another"}, "belongs to run 'another'"),
        ({"format": 2}, "has format 2"),
        ({"created_at": "yesterday"}, "'yesterday' is not a time"),
        ({"counts": {"lost": -1}}, "is damaged: counts.lost"),
        ({"scenario": 1}, "is damaged: scenario"),
        ({"limits": None}, "is damaged: limits"),
    ],
)
def test_damaged_documents_are_refused(changes: dict[str, Any], problem: str) -> None:
    """The error says what is wrong with which file."""
    with pytest.raises(EvidenceError, match=problem):
        entry(**changes)


def test_long_texts_are_cut() -> None:
    """A scenario of a thousand letters would fill the page."""
    assert len(entry(scenario="x" * 999).scenario) == 200
