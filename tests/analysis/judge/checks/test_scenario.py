"""Requests that a scenario did not make never fail a run, but are always reported."""

from dataclasses import replace

import pytest
from headcount_analysis.judge import Limits, judge
from headcount_analysis.measure.generator_health import FleetHealth

from headcount.ledger.shortfall import ScenarioError, Shortfall, Stage
from headcount.run.verdict import Label
from tests.analysis.judge.test_judge import SANE
from tests.manifests import MANIFEST

BROKEN_TASK = ScenarioError(Stage.TASK, "KeyError: 'guild'", "shop.py:20", 38)


def test_requests_not_made_are_noted() -> None:
    """And not a reason against the requests that were made."""
    shortfall = Shortfall((BROKEN_TASK,), 112)
    judged = judge(replace(SANE, generators=FleetHealth(shortfall=shortfall)), Limits())
    assert judged.label is Label.PASS
    assert judged.notes[:2] == shortfall.sentences


def test_a_run_that_was_stopped_for_an_event_does_not_pass() -> None:
    """The rest of its requests was never made."""
    shortfall = Shortfall(refused="Player in shop.py:9 passes an event= that is none")
    judged = judge(replace(SANE, generators=FleetHealth(shortfall=shortfall)), Limits())
    assert judged.label is Label.INCONCLUSIVE
    assert "the run was stopped: Player in shop.py:9" in judged.reasons[0]


@pytest.mark.parametrize(
    ("shortfall", "text"),
    [
        (Shortfall((BROKEN_TASK,), 112), "38 tasks ended with KeyError: 'guild'"),
        (Shortfall(without_event=112), "112 requests passed no event=; pass the event"),
        (Shortfall(), "run longer, or with more users"),
    ],
)
def test_nothing_was_attempted_for_a_reason(shortfall: Shortfall, text: str) -> None:
    """The most likely reason is named, with a remedy."""
    nothing = replace(SANE, by_event_type={}, generators=FleetHealth(shortfall=shortfall))
    judged = judge(nothing, Limits())
    assert judged.label is Label.INCONCLUSIVE
    assert any("nothing was attempted" in reason and text in reason for reason in judged.reasons)


def test_rules_that_decided_outcomes_are_noted() -> None:
    """A rule can hide a loss as well as show one, so the verdict lists the rules."""
    manifest = replace(MANIFEST, outcome_rules=("202 = indeterminate",))
    judged = judge(replace(SANE, manifest=manifest), Limits())
    assert any("202 = indeterminate" in note for note in judged.notes)
    assert not any("--outcome" in note for note in judge(SANE, Limits()).notes)
