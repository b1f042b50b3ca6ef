"""Evidence: gathers everything that the verdict rests on from the compared blocks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from headcount.errors import EvidenceError
from headcount.ledger.endpoints import endpoint_texts, read_endpoints
from headcount.ledger.generator_health import read_health
from headcount.ledger.http_phases import read_http_phases
from headcount.ledger.location import open_location
from headcount.ledger.shortfall import read_shortfall
from headcount_analysis.evidence import Evidence
from headcount_analysis.ledger.ledger_state import LedgerState
from headcount_analysis.ledger.overview import Ledger
from headcount_analysis.measure import clocks
from headcount_analysis.measure.generator_health import FleetHealth, generators
from headcount_analysis.measure.histogram import Bucket, Measure, distributions
from headcount_analysis.measure.http_phases import phase_buckets
from headcount_analysis.measure.publish_delay import least_delay_s, longest_delay_s
from headcount_analysis.messages import timestamps
from headcount_analysis.pipeline.compare import ComparedRun
from headcount_analysis.pipeline.differences import find_differences
from headcount_analysis.pipeline.plan import VerificationPlan
from headcount_analysis.pipeline.second_look import find_placement
from headcount_analysis.pipeline.state import compare_state
from headcount_analysis.pipeline.table_places import FATES_FOLDER
from headcount_analysis.pipeline.tools import IsEmpty, Tools
from headcount_analysis.read import message_counts
from headcount_analysis.read.partition_summary import PartitionRead
from headcount_analysis.reconciliation import attempt_counts, order_counts
from headcount_analysis.reconciliation.order_counts import Order
from headcount_analysis.state.differences import StateCheck
from headcount_analysis.state.game.economy import Economy


@dataclass(frozen=True, slots=True)
class RunEvidence:
    """The evidence for the verdict, the distributions of durations, and the game's economy."""

    evidence: Evidence
    buckets: tuple[Bucket, ...]
    economy: Economy | None


def gather(plan: VerificationPlan, tools: Tools, comparison: ComparedRun) -> RunEvidence:
    """Count, read messages again if the counts leave a question open, and compare the state.

    Raises EvidenceError and OSError.
    """
    tools.progress("counting")
    ledger, fates = comparison.read.ledger, plan.folder.path / FATES_FOLDER
    evidence = _counted(plan, tools.is_empty, comparison)
    buckets = distributions([block.durations for block in comparison.blocks])
    evidence = replace(
        evidence,
        compares_content=tools.message_format.compares_content,
        placement=find_placement(tools.source, evidence, tools.message_format),
        differences=find_differences(plan, tools, comparison, evidence.counts),
    )
    state, economy = StateCheck(), None
    if ledger.state.changing_types:
        tools.progress("comparing the state")
        state, economy = compare_state(plan, tools, ledger)
    evidence = replace(
        evidence,
        state=state,
        unanswered=_unanswered(buckets),
        order=_order(plan, evidence),
        longest_delay_s=_delay_s(fates, plan, ledger) if evidence.counts.lost else None,
    )
    return RunEvidence(evidence, (*buckets, *_phases(plan, ledger.state)), economy)


def _counted(plan: VerificationPlan, is_empty: IsEmpty | None, comparison: ComparedRun) -> Evidence:
    """Add up the counts of all blocks and all splits of the topic."""
    counts, state, blocks = (
        comparison.read.topic.counts,
        comparison.read.ledger.state,
        comparison.blocks,
    )
    messages = message_counts.of_messages(counts, plan.offsets)
    attempts = attempt_counts.merged_attempts([block.attempts for block in blocks])
    _check_sums(messages, attempts, message_counts.claimed(counts))
    return Evidence(
        by_event_type=attempt_counts.merged(attempts.by_event_type, messages.by_event_type),
        ledger=state,
        partitions=tuple(_with_tail(partition, is_empty) for partition in messages.partitions),
        manifest=plan.manifest,
        end=plan.end,
        seen=plan.seen,
        timestamp_types=messages.timestamp_types,
        clocks=clocks.merged(clock for block in blocks for clock in block.clocks),
        by_generator=attempts.by_generator,
        by_answer=attempts.by_answer,
        locust_exit=plan.folder.read_locust_exit(),
        generators=_generators(plan, state),
        rows=attempts.rows,
        rowless=attempts.rowless,
        checkable=attempts.checkable,
        unusable=timestamps.added_up(block.unusable for block in blocks),
        endpoints=_endpoints(plan, state),
    )


def _check_sums(
    messages: message_counts.Messages, attempts: attempt_counts.Attempts, claimed: int
) -> None:
    """Check that each message was read once and compared once. Raises EvidenceError if not."""
    wrong = "this is a bug in the verifier; please report it"
    if claimed != attempts.copies:
        raise EvidenceError(
            f"{claimed} messages of the run were read, and {attempts.copies} compared: {wrong}"
        )
    for partition in messages.partitions:
        if partition.read > partition.end - partition.start:
            raise EvidenceError(
                f"partition {partition.partition} has {partition.end - partition.start} offsets, "
                f"and {partition.read} messages were read: {wrong}"
            )


def _with_tail(partition: PartitionRead, is_empty: IsEmpty | None) -> PartitionRead:
    """Check whether a message follows the last one read; a transaction's marker does not count."""
    if partition.reached_end or is_empty is None:
        return partition
    first = partition.start if partition.last is None else partition.last + 1
    return replace(partition, tail_is_empty=is_empty(partition.partition, first, partition.end))


def _generators(plan: VerificationPlan, state: LedgerState) -> FleetHealth:
    """Read the health of every generator."""
    filesystem, path = open_location(plan.folder.ledger_location(plan.manifest))
    numbers = [generator.generator for generator in state.generators]
    healths = {number: read_health(filesystem, path, number) for number in numbers}
    shortfalls = {number: read_shortfall(filesystem, path, number) for number in numbers}
    return generators(healths, plan.folder.begun, plan.manifest.options, shortfalls)


def _endpoints(plan: VerificationPlan, state: LedgerState) -> Mapping[str, tuple[str, ...]]:
    """Read which requests each event type stands for."""
    filesystem, path = open_location(plan.folder.ledger_location(plan.manifest))
    numbers = (generator.generator for generator in state.generators)
    return endpoint_texts(read_endpoints(filesystem, path, number) for number in numbers)


def _phases(plan: VerificationPlan, state: LedgerState) -> tuple[Bucket, ...]:
    """Read how long the phases of the requests took."""
    filesystem, path = open_location(plan.folder.ledger_location(plan.manifest))
    numbers = (generator.generator for generator in state.generators)
    phases = (read_http_phases(filesystem, path, number) for number in numbers)
    return phase_buckets(phases, state.event_types)


def _delay_s(fates: Path, plan: VerificationPlan, ledger: Ledger) -> float | None:
    """Return the longest publish delay that timestamps or earlier ends of the topic show."""
    last_ns = {number: last for number, (_, last) in ledger.times.spans_ns.items()}
    delays_s = longest_delay_s(fates), least_delay_s(fates, plan.end.earlier, last_ns)
    return max((delay_s for delay_s in delays_s if delay_s is not None), default=None)


def _unanswered(buckets: Sequence[Bucket]) -> int:
    return sum(bucket.unanswered for bucket in buckets if bucket.measure is Measure.HTTP)


def _order(plan: VerificationPlan, evidence: Evidence) -> Order | None:
    """Count the events that have an order, if a limit or a threshold needs it."""
    is_asked = plan.limits.reordered is not None or any(
        threshold.metric == "reordered" for threshold in plan.thresholds
    )
    if not is_asked:
        return None
    return order_counts.order(plan.folder.path / FATES_FOLDER, evidence.checked.seen)
