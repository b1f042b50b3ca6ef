"""What a scenario did not make, as the judge weighs it: never a failure, and never forgotten."""

from dataclasses import replace

import pytest
from headcount_analysis.judge import Limits, judge
from headcount_analysis.measure.generator_health import FleetHealth

from headcount.ledger.shortfall import ScenarioError, Shortfall, Stage
from headcount.run.verdict import Label
from tests.analysis.test_judge import MANIFEST, SANE

BROKEN_TASK = ScenarioError(Stage.TASK, "KeyError: 'guild'", "shop.py:20", 38)


def test_what_was_not_made_is_a_note() -> None:
    """And no reason against what was made."""
    shortfall = Shortfall((BROKEN_TASK,), 112)
    judged = judge(replace(SANE, generators=FleetHealth(shortfall=shortfall)), Limits())
    assert judged.label is Label.PASS
    assert judged.notes[:2] == shortfall.sentences


def test_a_run_that_was_stopped_for_an_event_is_no_pass() -> None:
    """Its rest was never made, and nobody knows what would have become of it."""
    shortfall = Shortfall(refused="Player asks in shop.py:9 for an event that is none")
    judged = judge(replace(SANE, generators=FleetHealth(shortfall=shortfall)), Limits())
    assert judged.label is Label.INCONCLUSIVE
    assert "the run was stopped: Player asks in shop.py:9" in judged.reasons[0]


@pytest.mark.parametrize(
    ("shortfall", "told"),
    [
        (Shortfall((BROKEN_TASK,), 112), "38 tasks ended with KeyError: 'guild'"),
        (Shortfall(without_event=112), "112 requests named no event=; name in each"),
        (Shortfall(), "run longer, or with more users"),
    ],
)
def test_nothing_was_attempted_for_a_reason(shortfall: Shortfall, told: str) -> None:
    """The most telling one is named, with what to do."""
    nothing = replace(SANE, by_event_type={}, generators=FleetHealth(shortfall=shortfall))
    judged = judge(nothing, Limits())
    assert judged.label is Label.INCONCLUSIVE
    assert any("nothing was attempted" in each and told in each for each in judged.reasons)


def test_rules_that_decided_outcomes_are_told() -> None:
    """A rule can hide a loss as well as show one: whoever reads the verdict reads the rules."""
    manifest = replace(MANIFEST, outcome_rules=("202 = indeterminate",))
    judged = judge(replace(SANE, manifest=manifest), Limits())
    assert any("202 = indeterminate" in note for note in judged.notes)
    assert not any("--outcome" in note for note in judge(SANE, Limits()).notes)
