"""What Locust leaves beside its ledgers: its exit code is a check, its answers are told."""

from dataclasses import replace

from headcount_analysis.compare_run.classes import Counts
from headcount_analysis.evidence import Evidence
from headcount_analysis.judge import Limits, judge

from headcount.run.locust_exit import Cause, LocustExit
from headcount.run.verdict import Label, Result
from tests.analysis.test_judge import SANE


def ended(**fields: object) -> Evidence:
    """A run that passes, and how its Locust ended."""
    return replace(SANE, locust_exit=LocustExit(**fields))  # type: ignore[arg-type]


def test_a_gate_of_the_scenario_is_a_check() -> None:
    """An exit code that a listener set is no failure of delivery, and no green pass either."""
    found = judge(ended(exit_code=7, cause=Cause.OTHER, reason="a listener set it"), Limits())
    assert found.label is Label.THRESHOLD_BROKEN
    assert found.reasons == ("Locust ended with exit code 7: a listener set it",)


def test_a_clean_end_is_kept() -> None:
    """So is one that is not known."""
    kept = judge(ended(exit_code=0), Limits())
    assert kept.label is Label.PASS
    (check,) = [each for each in kept.checks if each.name == "Locust's exit code"]
    assert check.result is Result.KEPT
    assert judge(ended(exit_code=None), Limits()).label is Label.PASS


def test_what_listeners_raised_is_a_note() -> None:
    """Beside an error that ended Locust."""
    found = judge(
        ended(exit_code=5, cause=Cause.ERROR, reason="disk full", problems=("it raised",)), Limits()
    )
    assert found.notes[:2] == ("Locust ended with exit code 5: disk full", "it raised")


REFUSED = {
    "404": Counts(attempted=7, failed=7, refused=7),
    "ConnectionRefusedError": Counts(attempted=2, failed=2, refused=2),
}


def test_answers_stand_in_the_reason() -> None:
    """Where nothing was acknowledged, the reason says how it was answered, the commonest first."""
    evidence = replace(
        ended(exit_code=0, answers={"404": "no such page"}),
        by_event_type={"a": Counts(attempted=9, failed=9, refused=9)},
        by_answer=REFUSED,
    )
    (reason,) = judge(evidence, Limits()).reasons
    assert '7 times HTTP 404 (first: "no such page"), 2 times ConnectionRefusedError' in reason


def test_answers_are_a_note_of_a_pass() -> None:
    """Where some were acknowledged, it is told how the others were answered."""
    evidence = replace(
        SANE,
        by_event_type={"a": Counts(attempted=19, acked=10, delivered=10, failed=9, refused=9)},
        by_answer={**REFUSED, "200": Counts(attempted=10, acked=10, delivered=10)},
    )
    (note,) = [each for each in judge(evidence, Limits()).notes if "not acknowledged" in each]
    assert note.startswith("9 of 19 requests were not acknowledged: 7 times HTTP 404, 2 times Conn")
