"""Comparability: obstacles to a comparison are refused, and other differences are shown."""

from pathlib import Path
from typing import Any

import pytest
from headcount_analysis.compare_runs.comparable import differences
from headcount_analysis.compare_runs.model import compare
from headcount_analysis.compare_runs.runs import Side, sides_of

from headcount.errors import UsageError
from tests.analysis.compare_runs.sample import a_run, a_side, counts

OPTIONS = {"num_users": 20, "run_time": 30, "mix": "", "seed": 1}


def sides(reports: Path, **changes: Any) -> tuple[Side, ...]:
    """Return two sides of one run each that differ only in `changes`."""
    return sides_of([[a_run(reports, "a")], [a_run(reports, "b", **changes)]])


@pytest.mark.parametrize(
    ("changes", "expected"),
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
def test_an_obstacle(tmp_path: Path, changes: dict[str, Any], expected: str) -> None:
    """The error names both values; with `anyway` the runs are compared nevertheless."""
    both = sides(tmp_path, **changes)
    (obstacle,) = differences(both).obstacles
    assert obstacle.startswith(expected)
    with pytest.raises(UsageError) as error:
        compare(both)
    first, listed, remedy = str(error.value).split("\n")
    assert first == "these runs are not comparable:"
    assert expected in listed
    assert "--anyway" in remedy
    assert compare(both, anyway=True).differences.obstacles == (obstacle,)


@pytest.mark.parametrize(
    ("changes", "expected"),
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
def test_a_difference_that_is_only_shown(
    tmp_path: Path, changes: dict[str, Any], expected: str
) -> None:
    """The runs are compared nevertheless; passwords are not shown."""
    between_runs = compare(sides(tmp_path, **changes)).differences
    (shown,) = between_runs.shown
    assert shown.startswith(expected)
    assert "secret" not in shown
    assert between_runs.obstacles == ()


def test_equal_runs(tmp_path: Path) -> None:
    """Equal runs have no differences."""
    between_runs = differences(sides(tmp_path))
    assert (between_runs.obstacles, between_runs.shown) == ((), ())


def test_repetitions_must_be_comparable(tmp_path: Path) -> None:
    """A repetition with another scenario is an obstacle, too."""
    odd = a_run(tmp_path, "odd", scenario="rush.py")
    base = [*a_side(tmp_path, "base", 100, 100, 100, 100).runs, odd]
    (obstacle,) = differences(sides_of([base, [a_run(tmp_path, "b")]])).obstacles
    assert obstacle == "scenario: mixed.py in base-1, base-2, base-3 and 2 more; rush.py in odd"


def test_a_run_against_itself(tmp_path: Path) -> None:
    """A run that is compared with itself, or counted twice, is a mistake, and so is its copy."""
    run, copy = a_run(tmp_path, "a"), a_run(tmp_path / "elsewhere", "a")
    for again in (run, copy):
        with pytest.raises(UsageError, match="the run a is named twice"):
            sides_of([[run], [again]])
    with pytest.raises(UsageError, match="named twice"):
        sides_of([[a_run(tmp_path, "b"), run, run], [a_run(tmp_path, "c")]])


def test_two_runs_with_the_same_id(tmp_path: Path) -> None:
    """In CI, every run may have the same id."""
    other = a_run(tmp_path / "elsewhere", "a", created_at="2026-11-26T00:00:00+00:00")
    assert len(sides_of([[a_run(tmp_path, "a")], [other]])) == 2
