"""Verdicts: the label that follows from checks, and a document that is read back."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headcount.run.verdict import (
    Area,
    Check,
    Label,
    Result,
    Verdict,
    against,
    label_of,
    meaning_of,
    read_verdict,
)

KEPT = Check("lost", Result.KEPT, area=Area.DELIVERY)
CHECKS = st.builds(
    Check, st.sampled_from("abc"), st.sampled_from(Result), area=st.sampled_from(Area)
)


def a_check(result: Result, area: Area) -> Check:
    """Make a check with only these attributes."""
    return Check("one", result, area=area)


@pytest.mark.parametrize(
    ("result", "area", "label"),
    [
        (Result.KEPT, Area.EVIDENCE, Label.PASS),
        (Result.NOT_TRIED, Area.DELIVERY, Label.PASS),
        (Result.NOT_TRIED, Area.THRESHOLDS, Label.PASS),
        (Result.BROKEN, Area.DELIVERY, Label.FAIL),
        (Result.BROKEN, Area.EVIDENCE, Label.FAIL),
        (Result.BROKEN, Area.THRESHOLDS, Label.THRESHOLD_BROKEN),
        (Result.UNPROVEN, Area.DELIVERY, Label.INCONCLUSIVE),
        (Result.UNPROVEN, Area.EVIDENCE, Label.INCONCLUSIVE),
        (Result.UNPROVEN, Area.THRESHOLDS, Label.INCONCLUSIVE),
    ],
)
def test_what_one_check_makes_of_a_pass(result: Result, area: Area, label: Label) -> None:
    """Each area and each result."""
    assert label_of([KEPT, a_check(result, area)]) is label


def test_a_pass_says_no_more_than_was_checked() -> None:
    """Its sentence has what the run allows, and content that was not compared."""
    allowed = Check("lost", Result.KEPT, "3 lost, 5 allowed", has_exceptions=True)
    raw = Check("corrupted", Result.NOT_TRIED, area=Area.DELIVERY)
    failed = a_check(Result.BROKEN, Area.DELIVERY)
    assert meaning_of([KEPT]) == "Every acknowledged event is in the topic, once and unaltered."
    assert meaning_of([KEPT, allowed]) == "Only allowed exceptions occurred: 3 lost, 5 allowed."
    assert meaning_of([KEPT, raw]).endswith("its content was not compared.")
    assert meaning_of([KEPT, allowed, failed]) == Label.FAIL.meaning


def test_without_a_kept_check_there_is_no_pass() -> None:
    """Without checks, with only untried checks or with only a threshold, a run does not pass."""
    assert label_of([]) is Label.INCONCLUSIVE
    assert label_of([a_check(Result.NOT_TRIED, Area.DELIVERY)]) is Label.INCONCLUSIVE
    assert label_of([a_check(Result.KEPT, Area.THRESHOLDS)]) is Label.INCONCLUSIVE


def test_a_broken_threshold_needs_a_delivery_that_passed() -> None:
    """It hides no failure and no unproven check; another, unproven threshold does not hide it."""
    broken = a_check(Result.BROKEN, Area.THRESHOLDS)
    doubt = a_check(Result.UNPROVEN, Area.EVIDENCE)
    failure = a_check(Result.BROKEN, Area.DELIVERY)
    assert label_of([KEPT, broken, doubt]) is Label.INCONCLUSIVE
    assert label_of([KEPT, broken, doubt, failure]) is Label.FAIL
    unproven = a_check(Result.UNPROVEN, Area.THRESHOLDS)
    assert label_of([KEPT, broken, unproven]) is Label.THRESHOLD_BROKEN


@given(st.lists(CHECKS), CHECKS)
def test_a_proven_failure_stays_one(checks: list[Check], more: Check) -> None:
    """Whatever else is checked; and a broken or unproven check never makes a run better."""
    before, after = label_of([KEPT, *checks]), label_of([KEPT, *checks, more])
    if before is Label.FAIL:
        assert after is Label.FAIL
    assert (label_of([KEPT, *checks]) is Label.PASS) == (against(checks) == ())
    if more.area is not Area.THRESHOLDS and more.is_against:
        assert after.rank >= before.rank


@given(st.permutations([a_check(result, area) for result in Result for area in Area]))
def test_reasons_begin_with_what_decides(checks: list[Check]) -> None:
    """In any order of checks, a broken delivery comes first and thresholds last."""
    order = [(check.result, check.area is Area.THRESHOLDS) for check in against(checks)]
    assert order == [
        *[(Result.BROKEN, False)] * 2,
        *[(Result.UNPROVEN, False)] * 2,
        (Result.BROKEN, True),
        (Result.UNPROVEN, True),
    ]


@pytest.mark.parametrize("label", Label)
def test_only_a_pass_is_green_and_ends_in_0(label: Label) -> None:
    """Label, colour, sign and exit code say the same."""
    is_pass = label is Label.PASS
    assert (label.colour == "green", label.exit_code == 0, label.mark == "✓") == (is_pass,) * 3
    assert label.meaning


def test_each_label_has_its_exit_code() -> None:
    """As they are documented."""
    assert {label: label.exit_code for label in Label} == {
        Label.PASS: 0,
        Label.FAIL: 1,
        Label.INCONCLUSIVE: 3,
        Label.THRESHOLD_BROKEN: 4,
    }


def write(folder: Path, **fields: object) -> Path:
    """Write a document."""
    (folder / "verdict.json").write_text(json.dumps({"run_id": "a", **fields}))
    return folder


@pytest.mark.parametrize(
    ("verdict", "holds", "label"),
    [
        ("pass", [], Label.PASS),
        ("pass", [True], Label.PASS),
        ("pass", [True, False], Label.THRESHOLD_BROKEN),
        ("fail", [False], Label.FAIL),
        ("inconclusive", [False], Label.INCONCLUSIVE),
    ],
)
def test_a_document_without_checks_is_read(
    tmp_path: Path, verdict: str, holds: list[bool], label: Label
) -> None:
    """Its label follows from the verdict and the thresholds."""
    thresholds = [{"text": "rps > 1", "holds": is_kept, "shown": "2"} for is_kept in holds]
    document = read_verdict(write(tmp_path, verdict=verdict, thresholds=thresholds))
    assert document is not None
    assert document.label is label
    assert document.verdict is Verdict(verdict)


def test_the_label_is_that_of_the_checks(tmp_path: Path) -> None:
    """A document whose verdict contradicts its checks is not trusted."""
    checks = [{"name": "lost", "result": "broken", "area": "delivery", "evidence": "1 lost"}]
    document = read_verdict(write(tmp_path, verdict="pass", label="PASS", checks=checks))
    assert document is not None
    assert document.label is Label.FAIL
