"""Whether scenario, topic and database agree on the state."""

from collections import Counter
from collections.abc import Iterator

from headcount.run.verdict import Area, Check, Result
from headcount_analysis.evidence import Evidence
from headcount_analysis.judge.checks.classes import Missing
from headcount_analysis.judge.doubts import proof
from headcount_analysis.judge.limits import Limits
from headcount_analysis.state.differences import StateCheck, StateResult

NAME = "state"
_ACCOUNT = {"expected": "scenario", "implied": "topic", "stored": "database"}


def difference(evidence: Evidence, limits: Limits, missing: Missing) -> Iterator[Check]:
    """Check that no more values differ than the run allows."""
    state = evidence.state
    if state.different > limits.different:
        remedy = "see state.csv for the values, and state_events.csv for the events behind them"
        yield proof(NAME, _seen(state, limits), remedy, missing("different"))
    elif not (state.is_due and state.why_not):
        is_compared = state.result is not StateResult.NOT_CHECKED
        result = Result.KEPT if is_compared else Result.NOT_TRIED
        yield Check(
            NAME, result, str(state), area=Area.DELIVERY, has_exceptions=state.different > 0
        )


def doubt(evidence: Evidence) -> Iterator[Check]:
    """Check that the state was compared if it should have been."""
    state = evidence.state
    if state.is_due and state.why_not:
        reason = f"the state was not compared with the service's database: {state.why_not}"
        yield Check(NAME, Result.UNPROVEN, reason, area=Area.DELIVERY)


def _seen(state: StateCheck, limits: Limits) -> str:
    allowed = f" ({limits.different:,} allowed)" if limits.different else ""
    alone = Counter(difference.stands_alone for difference in state.differences)
    account, times = max(alone.items(), key=lambda entry: entry[1])
    hint = ""
    if account and 2 * times > state.different:
        others = " and the ".join(name for key, name in _ACCOUNT.items() if key != account)
        hint = f"; mostly the {_ACCOUNT[account]} disagrees with the {others}"
    differ = "differs" if state.different == 1 else "differ"
    return f"{state.different:,} of {state.numbers:,} values of the state {differ}{allowed}{hint}"
