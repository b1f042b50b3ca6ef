"""Whether the scenario could make its requests."""

from collections.abc import Iterator

from headcount.ledger.shortfall import Shortfall
from headcount.noun_counts import number
from headcount.run.verdict import Check, Result
from headcount_analysis.evidence import Evidence
from headcount_analysis.judge.limits import Limits

NAME = "scenario"


def checks(evidence: Evidence, _limits: Limits) -> Iterator[Check]:
    """Check that the run was not stopped because of an event that cannot be compared."""
    refused = evidence.generators.shortfall.refused
    if refused:
        remedy = "fix the scenario, and run again"
        yield Check(NAME, Result.UNPROVEN, f"the run was stopped: {refused}", remedy)


def why_nothing(shortfall: Shortfall) -> str:
    """Return the remedy for a run that attempted nothing."""
    if shortfall.errors:
        return f"{shortfall.errors[0].sentence}: fix it, and run again"
    if shortfall.without_event:
        return (
            f"{number(shortfall.without_event, 'request')} passed no event=; pass the event that "
            'the topic must hold, such as self.client.post("/buy", json=order, event=order)'
        )
    return "run longer, or with more users"
