"""The subjects of evidence: each composes its checks, and may keep classes from being proven."""

from dataclasses import dataclass

from headcount_analysis.judge import (
    acknowledged,
    ledger,
    locust,
    looked_at,
    placement,
    problems,
    reading,
    rows,
    scenario,
    seals,
    settling,
)
from headcount_analysis.judge.checks import Checks

NEEDS_LEDGER = frozenset({"lost", "ghost", "phantom", "corrupted"}) | {
    *("reordered", "late", "misplaced", "different")
}
"""What only a ledger that is whole can prove."""

NEEDS_TOPIC = frozenset({"lost", "different"})
"""What only the whole of the topic's range can prove."""

NEEDS_IDS = frozenset({"lost", "garbled"})
"""What only messages that have their id in place can prove."""

NEEDS_SUMS = NEEDS_LEDGER | {"duplicated"}
"""What is read out of the counts of attempts."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The checks of one subject; while one of them is unproven, so are the classes it `unproves`.

    `because` says why, after "not proven, for …".
    """

    checks: Checks
    unproves: frozenset[str] = frozenset()
    because: str = ""


SUBJECTS = (
    Subject(problems.checks),
    Subject(problems.sums, NEEDS_SUMS, "the counts contradict each other"),
    Subject(ledger.checks, NEEDS_LEDGER, "the ledger is not whole"),
    Subject(seals.checks),
    Subject(rows.checks, NEEDS_LEDGER, "not every row of the ledger was compared"),
    Subject(reading.checks, NEEDS_TOPIC, "the topic was not read whole"),
    Subject(settling.checks, NEEDS_TOPIC, settling.BECAUSE),
    Subject(placement.checks, NEEDS_IDS, "no message has its id in place"),
    Subject(scenario.checks),
    Subject(acknowledged.checks),
    Subject(locust.checks),
    Subject(looked_at.checks),
)
"""All subjects of evidence, in the order in which their doubts are listed."""
