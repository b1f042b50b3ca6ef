"""Whether the compared rows are exactly those that each generator sealed."""

from collections.abc import Iterator

from headcount.run.verdict import Check
from headcount_analysis.evidence import Evidence
from headcount_analysis.judge.doubts import Doubt, doubts_or_kept
from headcount_analysis.judge.limits import Limits


def checks(evidence: Evidence, _limits: Limits) -> Iterator[Check]:
    """Check the number of compared rows against each generator's seal."""
    compared = f"{sum(evidence.rows.values()):,} rows, as many as were sealed or written"
    return doubts_or_kept("rows compared", _doubts(evidence), compared)


def _doubts(evidence: Evidence) -> Iterator[Doubt]:
    states = {state.generator: state for state in evidence.ledger.generators}
    for number in sorted(states.keys() | evidence.rows.keys()):
        state, compared = states.get(number), evidence.rows.get(number, 0)
        if state is None:
            yield Doubt(
                f"{compared:,} rows of generator {number} were compared, but it has no ledger"
            )
            continue
        expected = state.rows if state.attempted is None else state.attempted
        if compared != expected and not (state.attempted is None and compared > expected):
            verb = "wrote" if state.attempted is None else "sealed"
            yield Doubt(
                f"generator {number} {verb} {expected:,} attempts, but {compared:,} of its rows "
                "were compared",
                "verify again; if that does not help, restore the ledger",
            )
