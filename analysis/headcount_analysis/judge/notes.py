"""Notes: what a reader should know about a run, which decides nothing."""

from collections.abc import Callable, Iterator
from decimal import ROUND_CEILING, Context

from headcount_analysis.compare_run.classes import Counts
from headcount_analysis.evidence import CREATE_TIME, Evidence, PartitionRead
from headcount_analysis.judge import answers, locust, settling
from headcount_analysis.messages.timestamps import describe
from headcount_analysis.state.differences import StateResult

_FEW = 2
"""Fewer than one in this many is few."""
_MOST_DEFECTS = 5
_UPWARDS = Context(prec=2, rounding=ROUND_CEILING)


def rule_of_three(count: int) -> str:
    """Return the upper 95 % bound of a rate if nothing happened in `count` independent trials.

    3/n (Hanley and Lippman-Hand, 1983), rounded up: a bound that is rounded down is none.
    """
    return f"{min(1.0, float(_UPWARDS.divide(3, count))):.2g}"


def _generators(evidence: Evidence) -> Iterator[str]:
    yield from evidence.generators.notes
    for state in evidence.ledger.torn:
        yield (
            f"generator {state.generator} never sealed its ledger; {state.without_row} of the "
            f"{state.asked} ids it reserved have no row and count as indeterminate"
        )


def _partitions(evidence: Evidence) -> Iterator[str]:
    for partition in evidence.partitions:
        if partition.reached_end and partition.gaps:
            yield (
                f"offsets without a message in partition {partition.partition}: {partition.gaps}, "
                "most likely transactions that were aborted, and the markers of those that were not"
            )
        if partition.malformed:
            samples = ", ".join(str(offset) for offset in partition.malformed_samples)
            yield (
                f"malformed messages in partition {partition.partition}: {partition.malformed}, "
                f"first at offset {samples}{_defects(partition)}"
            )
    added = sorted(
        {p.partition for p in evidence.partitions} - evidence.manifest.start_offsets.keys()
    )
    if added:
        yield f"partitions {', '.join(map(str, added))} were added during the run"


def few_acknowledged(evidence: Evidence) -> Iterator[str]:
    """Note that most attempts were not acknowledged, which limits every other figure."""
    counts = evidence.counts
    if _is_few(counts):
        yield (f"only {_acked(counts)}: the verdict on delivery covers only these")


def _acknowledged(evidence: Evidence) -> Iterator[str]:
    """Note the share of acknowledged attempts, and event types with few of them."""
    counts = evidence.counts
    if counts.attempted and not _is_few(counts):
        yield _acked(counts)
    for name, each in sorted(evidence.by_event_type.items()):
        if _is_few(each) and len(evidence.by_event_type) > 1:
            yield f"{name}: only {_acked(each)}"


def _is_few(counts: Counts) -> bool:
    return counts.acked * _FEW < counts.attempted


def _acked(counts: Counts) -> str:
    plural = "attempt was" if counts.attempted == 1 else "attempts were"
    return f"{counts.acked} of {counts.attempted} {plural} acknowledged ({_percent(counts)})"


def _percent(counts: Counts) -> str:
    share = 100 * counts.acked / counts.attempted
    # What is not all is not rounded up to all.
    return "100 %" if counts.acked == counts.attempted else f"{min(share, 99.9):.3g} %"


def _unanswered(evidence: Evidence) -> Iterator[str]:
    if evidence.unanswered:
        yield (
            f"{evidence.unanswered} of {evidence.counts.attempted} requests had no answer, and "
            "count in all durations with the time that was waited, as the least that they took"
        )


def _looked_at(evidence: Evidence) -> Iterator[str]:
    known = evidence.checked
    if evidence.unusable:
        yield (
            f"{known.timed} of {known.seen} events have a time: {describe(evidence.unusable)}, and "
            "Kafka's timestamps are Unix time in milliseconds; end-to-end times and what is late "
            "are told of the others alone"
        )
    if known.placed and known.placed < known.seen:
        yield f"the answers of {known.placed} of {known.seen} events name their place in the topic"
    if evidence.order is not None and evidence.order.events < known.seen:
        order = evidence.order
        yield (
            f"{order.events} of {known.seen} events have another of their key to be in order with: "
            f"{order.others(known.seen)}"
        )


def _defects(partition: PartitionRead) -> str:
    """Format the ways in which messages are malformed."""
    shown = [
        f"{defect.name}: {defect.count}, first at offset {defect.first_offset}"
        for defect in partition.defects[:_MOST_DEFECTS]
    ]
    more = len(partition.defects) - len(shown)
    if more > 0:
        shown.append(f"and {more} more kinds")
    return f" ({'; '.join(shown)})" if shown else ""


def _placement(evidence: Evidence) -> Iterator[str]:
    return evidence.placement.notes


def _differences(evidence: Evidence) -> Iterator[str]:
    return evidence.differences.notes


def _clocks(evidence: Evidence) -> Iterator[str]:
    for clock in evidence.clocks:
        if clock.has_moved:
            yield f"{clock.doubt}: end-to-end times, and what is late, are as uncertain as that"
        elif clock.is_apart:
            ahead = "ahead of" if clock.offset_ms > 0 else "behind"
            width = "at least" if clock.answers_first else f"± {clock.uncertainty_ms:.1f}"
            offset = f"{abs(clock.offset_ms):.1f} ms ({width})"
            yield (
                f"the topic's clock is {offset} {ahead} that of generator {clock.generator}; "
                f"end-to-end times are corrected by {clock.correction_ms} ms"
            )
        if clock.answers_first:
            yield (
                f"answered before published: {clock.published_later} of {clock.events} events of "
                f"generator {clock.generator}; what it acknowledges may still get lost"
            )
    if CREATE_TIME in evidence.timestamp_types:
        yield (
            "the topic's timestamps are the producer's (CreateTime), so end-to-end times end when "
            "the service handed the event over; message.timestamp.type=LogAppendTime would take "
            "the broker's clock"
        )


def _state(evidence: Evidence) -> Iterator[str]:
    state = evidence.state
    if state.result is StateResult.NOT_CHECKED and state.numbers and not state.is_due:
        yield (
            "what the scenario expects and what the topic implies is the same state, which was not "
            f"compared with a database: {state.why_not}"
        )


def _outcome_rules(evidence: Evidence) -> Iterator[str]:
    if evidence.manifest.outcome_rules:
        rules = "; ".join(evidence.manifest.outcome_rules)
        yield f"--outcome decided what answers stand for, besides their status: {rules}"


def _acks(evidence: Evidence) -> Iterator[str]:
    if "acks=0" in evidence.manifest.promise:
        yield (
            "the service published with acks=0: its 2xx says that an event was handed over, not "
            "that a broker has it; losses are what that setting allows"
        )


def _bound(evidence: Evidence) -> Iterator[str]:
    counts = evidence.counts
    if counts.lost == 0 and counts.acked > 0:
        yield (
            f"0 of {counts.acked} acknowledged events lost: with 95 % confidence the rate of loss "
            f"is below {rule_of_three(counts.acked)}, if losses are independent of each other"
        )


NOTES: tuple[Callable[[Evidence], Iterator[str]], ...] = (
    *(few_acknowledged, locust.notes, answers.notes, _generators, _acknowledged, _unanswered),
    *(_partitions, settling.note, _placement, _differences, _looked_at, _clocks),
    *(_outcome_rules, _state, _acks, _bound),
)
"""All notes, in the order of the report."""
