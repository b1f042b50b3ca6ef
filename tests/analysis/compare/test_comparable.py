"""Comparable: what makes a comparison meaningless is refused, and what may differ is shown."""

from pathlib import Path
from typing import Any

import pytest
from headcount_analysis.compare.comparable import differences
from headcount_analysis.compare.model import compare
from headcount_analysis.compare.runs import Side, sides_of

from headcount.errors import UsageError
from tests.analysis.compare.sample import a_run, a_side, counts

OPTIONS = {"num_users": 20, "run_time": 30, "mix": "", "seed": 1}


def sides(reports: Path, **changes: Any) -> tuple[Side, ...]:
    """Two runs that are equal but for what is told."""
    return sides_of([[a_run(reports, "a")], [a_run(reports, "b", **changes)]])


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"scenario": "rush.py"}, "scenario: mixed.py in a; rush.py in b"),
        ({"promise": ""}, "delivery promise: acks=all, idempotent in a; not stated in b"),
        ({"options": {**OPTIONS, "num_users": 50}}, "option num_users: 20 in a; 50 in b"),
        ({"options": {**OPTIONS, "mix": "sword=1"}}, "option mix: none in a; sword=1 in b"),
        ({"options": {**OPTIONS, "rate": "500/s"}}, "option rate: none in a; 500/s in b"),
        ({"timestamps": ["CreateTime"]}, "timestamps of the topic: LogAppendTime in a; CreateTime"),
        ({"verdict": "inconclusive"}, "verdict: b is inconclusive"),
        ({"by_event_type": {"buy": counts()}}, "event types: default in a; buy in b"),
    ],
)
def test_an_obstacle(tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    """It is named with both values, and refused unless it is to be compared all the same."""
    found = sides(tmp_path, **changes)
    (obstacle,) = differences(found).obstacles
    assert obstacle.startswith(told)
    with pytest.raises(UsageError) as error:
        compare(found)
    first, listed, remedy = str(error.value).split("\n")
    assert first == "these runs are not comparable:"
    assert told in listed
    assert "--anyway" in remedy
    assert compare(found, anyway=True).differences.obstacles == (obstacle,)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"options": {**OPTIONS, "seed": 2}}, "option seed: 1 in a; 2 in b"),
        (
            {"host": "http://me:secret@shop:80"},
            "service: http://127.0.0.1:8000 in a; http://shop:80",
        ),
        ({"versions": {"headcount": "0.2"}}, "version of headcount: 0.1.0 in a; 0.2 in b"),
        ({"verdict": "fail"}, "verdict: PASS in a; FAIL in b"),
        ({"limits": {"late_after_ms": 5}}, "late after, ms: 60000 in a; 5 in b"),
    ],
)
def test_what_is_only_shown(tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    """It does not keep runs from being compared; a password is not among it."""
    found = compare(sides(tmp_path, **changes)).differences
    (shown,) = found.shown
    assert shown.startswith(told)
    assert "secret" not in shown
    assert found.obstacles == ()


def test_equal_runs(tmp_path: Path) -> None:
    """Nothing is told."""
    found = differences(sides(tmp_path))
    assert (found.obstacles, found.shown) == ((), ())


def test_repetitions_must_be_of_the_same(tmp_path: Path) -> None:
    """A run among those of one side that is of another scenario is found, too."""
    odd = a_run(tmp_path, "odd", scenario="rush.py")
    base = [*a_side(tmp_path, "base", 100, 100, 100, 100).runs, odd]
    (told,) = differences(sides_of([base, [a_run(tmp_path, "b")]])).obstacles
    assert told == "scenario: mixed.py in base-1, base-2, base-3 and 2 more; rush.py in odd"


def test_a_run_against_itself(tmp_path: Path) -> None:
    """It is a mistake, as a run that is counted twice is, and so is a copy of one elsewhere."""
    run, copy = a_run(tmp_path, "a"), a_run(tmp_path / "elsewhere", "a")
    for again in (run, copy):
        with pytest.raises(UsageError, match="the run a is named twice"):
            sides_of([[run], [again]])
    with pytest.raises(UsageError, match="named twice"):
        sides_of([[a_run(tmp_path, "b"), run, run], [a_run(tmp_path, "c")]])


def test_two_runs_of_one_id(tmp_path: Path) -> None:
    """In CI every run may have the same id."""
    other = a_run(tmp_path / "elsewhere", "a", created_at="2026-11-26T00:00:00+00:00")
    assert len(sides_of([[a_run(tmp_path, "a")], [other]])) == 2
