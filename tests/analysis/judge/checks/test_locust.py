"""Locust's exit code is a check; the answers to its requests are noted."""

from dataclasses import replace

import pytest
from headcount_analysis.classes_and_flags import Counts
from headcount_analysis.evidence import Evidence
from headcount_analysis.judge import Limits, judge

from headcount.run.locust_exit import Cause, LocustExit
from headcount.run.verdict import Label, Result
from tests.analysis.judge.test_judge import SANE


def ended(**fields: object) -> Evidence:
    """Return evidence of a passing run with a Locust exit."""
    return replace(SANE, locust_exit=LocustExit(**fields))  # type: ignore[arg-type]


def test_a_gate_of_the_scenario_is_a_check() -> None:
    """An exit code that a listener set is neither a delivery failure nor a pass."""
    judgement = judge(ended(exit_code=7, cause=Cause.OTHER, reason="a listener set it"), Limits())
    assert judgement.label is Label.THRESHOLD_BROKEN
    assert judgement.reasons == ("Locust ended with exit code 7: a listener set it",)


def test_a_clean_end_is_kept() -> None:
    """So is an unknown one."""
    kept = judge(ended(exit_code=0), Limits())
    assert kept.label is Label.PASS
    (check,) = [kept_check for kept_check in kept.checks if kept_check.name == "Locust's exit code"]
    assert check.result is Result.KEPT
    assert judge(ended(exit_code=None), Limits()).label is Label.PASS


def test_exceptions_of_listeners_are_noted() -> None:
    """Together with an error that ended Locust."""
    judgement = judge(
        ended(exit_code=5, cause=Cause.ERROR, reason="disk full", problems=("it raised",)), Limits()
    )
    assert judgement.notes[:2] == ("Locust ended with exit code 5: disk full", "it raised")


REFUSED = {
    "404": Counts(attempted=7, failed=7, refused=7),
    "ConnectionRefusedError": Counts(attempted=2, failed=2, refused=2),
}


def test_answers_are_in_the_reason() -> None:
    """If nothing was acknowledged, the reason lists the answers, the most frequent first."""
    evidence = replace(
        ended(exit_code=0, answers={"404": "no such page"}),
        by_event_type={"a": Counts(attempted=9, failed=9, refused=9)},
        by_answer=REFUSED,
    )
    (reason,) = judge(evidence, Limits()).reasons
    assert 'HTTP 404 (7 times, first: "no such page"), ConnectionRefusedError (2 times)' in reason


def test_answers_are_noted_in_a_pass() -> None:
    """If some were acknowledged, a note says how the others were answered."""
    evidence = replace(
        SANE,
        by_event_type={"a": Counts(attempted=19, acked=10, delivered=10, failed=9, refused=9)},
        by_answer={**REFUSED, "200": Counts(attempted=10, acked=10, delivered=10)},
    )
    (note,) = [text for text in judge(evidence, Limits()).notes if "not acknowledged" in text]
    assert note.startswith("9 of 19 requests were not acknowledged: HTTP 404 (7 times), Conn")
    assert "redirect" not in note


@pytest.mark.parametrize("acked", [0, 10])
def test_redirects_have_a_remedy(acked: int) -> None:
    """They are not followed, so the scenario must request another address, or call them acked."""
    redirected = Counts(attempted=9, indeterminate=9, absent=9)
    delivered = Counts(attempted=acked, acked=acked, delivered=acked)
    evidence = replace(
        SANE,
        by_event_type={"a": redirected + delivered},
        by_answer={"307": redirected, "200": delivered},
    )
    judgement = judge(evidence, Limits())
    texts = (*judgement.reasons, *judgement.notes)
    (text,) = [text for text in texts if "HTTP 307 (9 times)" in text]
    assert "redirects are not followed" in text
    assert "--outcome '307 = acked'" in text
