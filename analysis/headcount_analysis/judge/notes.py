"""Notes: facts that a reader should know, but that do not affect the verdict."""

from collections.abc import Callable, Iterator, Sequence
from decimal import ROUND_CEILING, Context

from headcount_analysis.classes_and_flags import Counts
from headcount_analysis.evidence import Evidence
from headcount_analysis.judge import answers
from headcount_analysis.judge.checks import locust, topic_settled
from headcount_analysis.messages.timestamps import CREATE_TIME, describe
from headcount_analysis.read.partition_summary import PartitionRead
from headcount_analysis.state.differences import StateResult

_FEW = 2
"""If fewer than one in this many attempts was acknowledged, the first note says so."""
_MOST_DEFECTS = 5
_UPWARDS = Context(prec=2, rounding=ROUND_CEILING)


def rule_of_three(count: int) -> str:
    """Return the upper 95 % bound of a rate if nothing happened in `count` independent trials.

    3/n (Hanley and Lippman-Hand, 1983), rounded up, because rounding down would break the bound.
    """
    return f"{min(1.0, float(_UPWARDS.divide(3, count))):.2g}"


def _generators(evidence: Evidence) -> Iterator[str]:
    yield from evidence.generators.notes
    for state in evidence.ledger.torn:
        yield (
            f"generator {state.generator} never sealed its ledger; {state.without_row:,} of the "
            f"{state.asked:,} ids it reserved have no row and count as indeterminate"
        )


def _partitions(evidence: Evidence) -> Iterator[str]:
    for partition in evidence.partitions:
        if partition.reached_end and partition.gaps:
            yield (
                f"offsets without a message in partition {partition.partition}: "
                f"{partition.gaps:,}, most likely aborted transactions, and the markers that end "
                "transactions"
            )
        if partition.malformed:
            yield (
                f"malformed messages in partition {partition.partition}: {partition.malformed:,}, "
                f"first at {_numbered('offset', partition.malformed_samples)}{_defects(partition)}"
            )
    if not evidence.manifest.cleanup_policy:
        yield (
            "retention and cleanup.policy of the topic are unknown: the user lacks the right to "
            "read its settings (DescribeConfigs), or the brokers do not show them"
        )
    added = sorted(
        {p.partition for p in evidence.partitions} - evidence.manifest.start_offsets.keys()
    )
    if added:
        verb = "was" if len(added) == 1 else "were"
        yield f"{_numbered('partition', added)} {verb} added during the run"


def _numbered(noun: str, numbers: Sequence[int]) -> str:
    plural = "" if len(numbers) == 1 else "s"
    return f"{noun}{plural} {', '.join(map(str, numbers))}"


def _truncated(evidence: Evidence) -> Iterator[str]:
    for number, recorded in sorted(evidence.manifest.start_offsets.items()):
        start = evidence.seen.start_of(number, recorded)
        if start < recorded:
            yield (
                f"partition {number} ended at offset {recorded} when the run began, but a later "
                f"leader lacked the messages from offset {start} on, as after an unclean leader "
                f"election: the partition was read from offset {start}, where that leader began to "
                "write"
            )


def few_acknowledged(evidence: Evidence) -> Iterator[str]:
    """Note that most attempts were not acknowledged, which limits every other figure."""
    counts = evidence.counts
    if _is_few(counts):
        yield (f"only {_acked(counts)}: the verdict on delivery covers only these")


def not_compared(evidence: Evidence) -> Iterator[str]:
    """Note that the format has no content that could be compared."""
    if not evidence.compares_content:
        yield (
            f"the content of events was not compared (--format {evidence.manifest.message_format})"
        )


def _acknowledged(evidence: Evidence) -> Iterator[str]:
    """Note the share of acknowledged attempts, and event types with few of them."""
    counts = evidence.counts
    if counts.attempted and not _is_few(counts):
        yield _acked(counts)
    for name, of_type in sorted(evidence.by_event_type.items()):
        if _is_few(of_type) and len(evidence.by_event_type) > 1:
            yield f"only {_acked(of_type, f' of event type {name}')}"


def _is_few(counts: Counts) -> bool:
    return counts.acked * _FEW < counts.attempted


def _acked(counts: Counts, of_what: str = "") -> str:
    noun, verb = ("attempt", "was") if counts.attempted == 1 else ("attempts", "were")
    return (
        f"{counts.acked:,} of {counts.attempted:,} {noun}{of_what} {verb} acknowledged "
        f"({_percent(counts)})"
    )


def _percent(counts: Counts) -> str:
    share = 100 * counts.acked / counts.attempted
    # Less than all must not be rounded up to 100 %.
    return "100 %" if counts.acked == counts.attempted else f"{min(share, 99.9):.3g} %"


def _unanswered(evidence: Evidence) -> Iterator[str]:
    if evidence.unanswered:
        yield (
            f"{evidence.unanswered:,} of {evidence.counts.attempted:,} requests had no response; "
            "their durations are the time waited, which is a lower bound"
        )


def _looked_at(evidence: Evidence) -> Iterator[str]:
    known = evidence.checked
    if evidence.unusable:
        yield (
            f"{known.timed:,} of {known.seen:,} events have a usable timestamp, and only these "
            f"count for end-to-end times and `late`: {describe(evidence.unusable)}; Kafka's "
            "timestamps should be Unix time in milliseconds"
        )
    if known.placed and known.placed < known.seen:
        share = f"{known.placed:,} of {known.seen:,}"
        yield f"the responses for {share} events name a partition and offset"
    if evidence.order is not None and evidence.order.events < known.seen:
        order = evidence.order
        yield (
            f"the order of {order.events:,} of {known.seen:,} events could be checked: "
            f"{order.others(known.seen)}"
        )


def _defects(partition: PartitionRead) -> str:
    """Format the defects of malformed messages."""
    shown = [
        f"{defect.name}: {defect.count:,}, first at offset {defect.first_offset}"
        for defect in partition.defects[:_MOST_DEFECTS]
    ]
    more = len(partition.defects) - len(shown)
    if more > 0:
        shown.append(f"and {more:,} more kinds")
    return f" ({'; '.join(shown)})" if shown else ""


def _placement(evidence: Evidence) -> Iterator[str]:
    return evidence.placement.notes


def _clocks(evidence: Evidence) -> Iterator[str]:
    for clock in evidence.clocks:
        if clock.has_moved:
            yield f"{clock.doubt}: end-to-end times and `late` are uncertain by as much"
        elif clock.is_apart:
            ahead = "ahead of" if clock.offset_ms > 0 else "behind"
            width = "at least" if clock.answers_first else f"± {clock.uncertainty_ms:.1f}"
            offset = f"{abs(clock.offset_ms):.1f} ms ({width})"
            yield (
                f"the topic's clock is {offset} {ahead} the clock of generator {clock.generator}; "
                f"end-to-end times are corrected by {clock.correction_ms} ms"
            )
        if clock.answers_first:
            yield (
                f"for {clock.published_later:,} of {clock.events:,} events of generator "
                f"{clock.generator}, the service answered before it published, so an acknowledged "
                "event may still be lost"
            )
    if CREATE_TIME in evidence.timestamp_types:
        yield (
            "the topic's timestamps are the producer's (CreateTime), so end-to-end times end when "
            "the service passed the event to its producer; message.timestamp.type=LogAppendTime "
            "would use the broker's clock"
        )


def _state(evidence: Evidence) -> Iterator[str]:
    state = evidence.state
    if state.result is StateResult.NOT_CHECKED and state.numbers and not state.is_due:
        yield (
            "the scenario and the topic agree on the state; it was not compared with a database: "
            f"{state.why_not}"
        )


def _outcome_rules(evidence: Evidence) -> Iterator[str]:
    if evidence.manifest.outcome_rules:
        rules = "; ".join(evidence.manifest.outcome_rules)
        yield f"outcomes come from the HTTP status and these --outcome rules: {rules}"


def _acks(evidence: Evidence) -> Iterator[str]:
    if "acks=0" in evidence.manifest.promise:
        yield (
            "the service published with acks=0: its 2xx means that an event was sent, not that a "
            "broker has it; this setting allows losses"
        )


def _bound(evidence: Evidence) -> Iterator[str]:
    counts = evidence.counts
    if counts.lost == 0 and counts.acked > 0:
        yield (
            f"0 of {counts.acked:,} acknowledged events lost: with 95 % confidence the rate of "
            f"loss is below {rule_of_three(counts.acked)}, if losses are independent of each other"
        )


NOTES: tuple[Callable[[Evidence], Iterator[str]], ...] = (
    *(few_acknowledged, locust.notes, answers.notes, _generators, _acknowledged, _unanswered),
    *(_partitions, _truncated, topic_settled.note, _placement, _looked_at, _clocks),
    *(_outcome_rules, _state, _acks, _bound),
)
"""All notes, in the order of the report."""
