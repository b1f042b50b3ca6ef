"""Whether the generators sealed their ledgers: without a seal, some acknowledgements are unknown.

A loss among the rows that they wrote is still proven.
"""

from collections.abc import Iterator

from headcount.run.verdict import Check, Result
from headcount_analysis.evidence import Evidence
from headcount_analysis.judge.doubts import Doubt, doubts_or_kept
from headcount_analysis.judge.limits import Limits
from headcount_analysis.ledger.ledger_state import GeneratorState


def checks(evidence: Evidence, limits: Limits) -> Iterator[Check]:
    """Check that no more generators are unsealed than the run allows."""
    ledger, count = evidence.ledger, len(evidence.ledger.generators)
    sealed = f"{count - len(ledger.torn)} of {count} ledgers sealed"
    torn = ledger.torn if len(ledger.torn) > limits.unsealed else ()
    if ledger.torn and not torn:
        yield Check("seals", Result.KEPT, sealed, has_exceptions=True)
    else:
        yield from doubts_or_kept("seals", map(_doubt, torn), sealed)


def _doubt(state: GeneratorState) -> Doubt:
    return Doubt(
        f"generator {state.generator} never sealed its ledger, so it was killed or is still "
        f"running: {state.without_row:,} of the {state.asked:,} ids it reserved have no row and "
        "count as indeterminate, and a loss among them would not be seen",
        "if it is still running, verify again once it has ended; otherwise run again, or allow it "
        "with --allow unsealed=1",
    )
