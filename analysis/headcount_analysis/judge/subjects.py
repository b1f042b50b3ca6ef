"""The subjects of evidence: the checks of each, and the classes that it can leave unproven."""

from dataclasses import dataclass

from headcount_analysis.judge.checks import (
    acknowledged_types,
    coverage,
    id_in_place,
    ledger,
    locust,
    problems,
    rows,
    scenario,
    seals,
    topic_read,
    topic_settled,
)
from headcount_analysis.judge.doubts import Checks

NEEDS_LEDGER = frozenset({"lost", "ghost", "phantom", "corrupted"}) | {
    *("reordered", "late", "misplaced", "different")
}
"""Proven only by an undamaged ledger."""

NEEDS_TOPIC = frozenset({"lost", "different"})
"""Proven only by the whole range of the topic."""

NEEDS_IDS = frozenset({"lost", "garbled", "phantom"})
"""Proven only if messages have their id in place."""

NEEDS_SUMS = NEEDS_LEDGER | {"duplicated"}
"""Derived from the counts of attempts."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The checks of one subject; while one of them is unproven, the classes in `unproves` are too.

    `because` is the reason, as in "not proven: the topic was not read completely".
    """

    checks: Checks
    unproves: frozenset[str] = frozenset()
    because: str = ""


SUBJECTS = (
    Subject(problems.checks),
    Subject(problems.sums, NEEDS_SUMS, "the counts contradict each other"),
    Subject(ledger.checks, NEEDS_LEDGER, "the ledger is incomplete or damaged"),
    Subject(seals.checks),
    Subject(rows.checks, NEEDS_LEDGER, "not every row of the ledger was compared"),
    Subject(topic_read.checks, NEEDS_TOPIC, "the topic was not read completely"),
    Subject(topic_settled.checks, NEEDS_TOPIC, topic_settled.BECAUSE),
    Subject(id_in_place.checks, NEEDS_IDS, "no message has its id in the expected place"),
    Subject(scenario.checks),
    Subject(acknowledged_types.checks),
    Subject(locust.checks),
    Subject(coverage.checks),
)
"""All subjects, in the order in which the report lists their checks."""
