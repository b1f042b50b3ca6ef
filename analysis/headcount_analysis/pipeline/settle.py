"""Settling: reads and compares again while missing acknowledged events may still arrive."""

from collections.abc import Callable
from dataclasses import replace

from headcount.errors import EvidenceError
from headcount_analysis.pipeline.compare import ComparedRun
from headcount_analysis.pipeline.plan import VerificationPlan
from headcount_analysis.pipeline.tools import Tools
from headcount_analysis.read.settling_policy import Reach

ReadAndCompare = Callable[[VerificationPlan], ComparedRun]


def settle(
    plan: VerificationPlan, tools: Tools, read_and_compare: ReadAndCompare
) -> tuple[VerificationPlan, ComparedRun]:
    """Read to a later end until nothing is missing, or the time to settle is over.

    Returns:
        The plan with the last end that was read, and the comparison up to that end.

    Raises:
        EvidenceError, OSError: The plan's own end cannot be read.
    """
    comparison, why_not = read_and_compare(plan), ""
    settling = tools.settling
    if settling is None:
        return plan, comparison
    while not why_not:
        answered_ns = comparison.read.ledger.times.last.get("answered_at_ns")
        reach = settling.later(comparison.missing, answered_ns, tools.progress)
        if reach is None:
            break
        further = _further(plan, reach)
        try:
            comparison = read_and_compare(further)
        except EvidenceError as error:
            why_not = str(error)
        else:
            plan = further
    return replace(plan, end=settling.settled(why_not)), comparison


def _further(plan: VerificationPlan, reach: Reach) -> VerificationPlan:
    """Plan to read to a later end.

    The plan gets the partitions' current leader epochs: a leader that was elected meanwhile may
    lack messages that were read.
    """
    seen = plan.seen
    if reach.leader_epochs is not None:
        seen = replace(
            seen,
            topic_id=reach.topic_id,
            leader_epochs=reach.leader_epochs,
            epoch_ends=reach.epoch_ends,
        )
    return replace(plan, end=reach.end, parts=reach.parts, database=reach.database, seen=seen)
