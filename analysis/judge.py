"""The judge: weighs the evidence, and says pass, fail or inconclusive, with reasons.

A verdict has three values, and a pass must be earned:

- fail: a class is above what the run allows, and the evidence proves it. More evidence could only
  make it worse.
- inconclusive: something is missing that a pass or a proof would need: a loss is no proven loss
  while a part of the topic is unread.
- pass: neither.

What each class needs as proof: a duplicate nothing but itself, for both copies were read. A ghost,
a phantom and a corruption a ledger without damage, for it says what was asked for. A loss and a
difference of state both that and the whole of the topic's range. So a fail stands beside missing
evidence when it does not depend on it; the reasons then name both.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from analysis.classes import Counts
from analysis.clocks import ClockOffset
from analysis.evidence import CREATE_TIME, Evidence, LedgerState, PartitionRead, TopicSeen
from analysis.state import StateCheck, StateResult
from headcount.run import Manifest
from headcount.verdict import Verdict

DEFAULT_LATE_AFTER_MS = 60_000

_MEANING = {
    "lost": "acknowledged, and not in the topic",
    "duplicated": "more than once in the topic",
    "ghost": "answered as failed, and in the topic all the same",
    "phantom": "in the topic under this run's name, and never asked for",
    "corrupted": "in the topic with other content than was asked for",
    "reordered": "behind a later request of their key",
    "late": "in the topic later than the limit",
    "misplaced": "in the topic elsewhere than was acknowledged",
    "malformed": "no JSON object, so whose it is cannot be told",
    "garbled": "unreadable, and with an id of this run in it",
}
_LOOK = {
    "lost": "compare the service's log at those times",
    "duplicated": "look for retries without idempotence",
    "ghost": "look for what the service answers after it has published",
    "phantom": "look for who else writes under these ids",
    "corrupted": "compare those offsets of the topic with what was sent",
    "reordered": "look for retries with several requests in flight",
    "late": "look at the broker's and the producer's queues",
    "misplaced": "look for leaders that changed, and for a topic that was copied",
    "malformed": "look at the offsets named below",
    "garbled": "look at the offsets named below",
}
_ACCOUNT = {
    "expected": "what the scenario expects",
    "implied": "what the topic implies",
    "stored": "what the database says",
}
_BY_MESSAGE = frozenset({"malformed", "garbled"})


@dataclass(frozen=True, slots=True)
class Limits:
    """How many of each the run allows; None judges nothing. Times in ms.

    `different` are numbers of the state on which the accounts do not agree.
    """

    lost: int = 0
    duplicated: int = 0
    ghost: int = 0
    phantom: int = 0
    corrupted: int = 0
    reordered: int | None = None
    late: int | None = None
    misplaced: int | None = None
    malformed: int | None = None
    garbled: int = 0
    different: int = 0
    unsealed: int = 0
    late_after_ms: int = DEFAULT_LATE_AFTER_MS

    def of(self, key: str) -> int | None:
        """Give the limit of a class or flag."""
        limit: int | None = getattr(self, key)
        return limit


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict; why it is no pass, most important first; and what a reader should know besides."""

    verdict: Verdict
    reasons: tuple[str, ...]
    notes: tuple[str, ...]


def judge(evidence: Evidence, limits: Limits) -> Judgement:
    """Weigh the evidence of one run."""
    counts = evidence.counts
    read_doubts = tuple(_reading_doubts(evidence))
    ledger_doubts = tuple(_ledger_doubts(evidence))
    seal_doubts = tuple(_seal_doubts(evidence.ledger, limits))
    proven: list[str] = []
    suspected: list[str] = []
    for key in _MEANING:
        excess = _excess(counts, key, limits)
        if excess is None:
            continue
        missing = _missing_proof(key, read_doubts, ledger_doubts, counts)
        (suspected if missing else proven).append(f"{excess}{missing}")
    difference = _difference(evidence.state, limits)
    if difference is not None:
        missing = _missing_proof("different", read_doubts, ledger_doubts, counts)
        (suspected if missing else proven).append(f"{difference}{missing}")
    doubts = (
        *(*ledger_doubts, *seal_doubts, *read_doubts),
        *(*_state_doubts(evidence.state), *_vacuity(counts)),
    )
    verdict = Verdict.PASS
    if doubts or suspected or evidence.problems:
        verdict = Verdict.INCONCLUSIVE
    if proven:
        verdict = Verdict.FAIL
    reasons = (*proven, *evidence.problems, *suspected, *doubts)
    return Judgement(verdict, reasons, tuple(_notes(evidence)))


def _excess(counts: Counts, key: str, limits: Limits) -> str | None:
    """Say what is above its limit."""
    found, limit = getattr(counts, key), limits.of(key)
    if limit is None or found <= limit:
        return None
    allowed = f" ({limit} allowed)" if limit else ""
    where = "" if key in _BY_MESSAGE else "see exceptions.csv, and "
    return f"{found} {key}{allowed}: {_MEANING[key]}; {where}{_LOOK[key]}"


def _missing_proof(
    key: str, read_doubts: tuple[str, ...], ledger_doubts: tuple[str, ...], counts: Counts
) -> str:
    """Say what keeps a finding from being proven, if anything does."""
    if key in _BY_MESSAGE:  # each was read, whatever else was not
        return ""
    if counts.contradictions:
        return "; not proven, for the counts contradict each other"
    if key != "duplicated" and ledger_doubts:
        return "; not proven, for the ledger is not whole"
    if key in {"lost", "different"} and read_doubts:
        return "; not proven, for the topic was not read whole"
    return ""


def _difference(state: StateCheck, limits: Limits) -> str | None:
    """Say that the accounts of the state do not agree, if that is above its limit."""
    if state.different <= limits.different:
        return None
    allowed = f" ({limits.different} allowed)" if limits.different else ""
    alone = Counter(each.stands_alone for each in state.differences)
    account, times = max(alone.items(), key=lambda each: each[1])
    hint = f", mostly in {_ACCOUNT[account]}" if account and 2 * times > state.different else ""
    return (
        f"{state.different} of {state.numbers} numbers of the state differ{allowed}{hint}: "
        "see state.csv, and state_events.csv for the events that led there"
    )


def _state_doubts(state: StateCheck) -> Iterator[str]:
    if state.is_due and state.why_not:
        yield f"the state was not compared with the service's database: {state.why_not}"


def _vacuity(counts: Counts) -> Iterator[str]:
    for contradiction in counts.contradictions:
        yield f"{contradiction}: the ledger or the verifier is wrong; please report it"
    if counts.attempted == 0:
        yield "nothing was attempted: run longer, or with more users"
    elif counts.acked == 0:
        yield (
            f"none of {counts.attempted} attempts was acknowledged, so nothing was put to the "
            "test: look at the errors in exceptions.csv and at the service's log"
        )


def _ledger_doubts(evidence: Evidence) -> Iterator[str]:
    if not evidence.ledger.generators:
        yield "the run has no ledger: restore its folder, or run again"
    yield from evidence.ledger.damage


def _seal_doubts(ledger: LedgerState, limits: Limits) -> Iterator[str]:
    """Say which generators never sealed: what they may have been promised is not all known.

    What is lost among the rows that they did write is proven all the same.
    """
    if len(ledger.torn) <= limits.unsealed:
        return
    for state in ledger.torn:
        yield (
            f"generator {state.generator} never sealed its ledger, so it was killed or is still at "
            f"work: {state.without_row} of the {state.asked} ids it reserved have no row and count "
            "as indeterminate, and a loss among them would not be seen; run again, verify again "
            "when it is done, or allow it with --allow unsealed=1"
        )


def _reading_doubts(evidence: Evidence) -> Iterator[str]:
    yield from other_topic(evidence.manifest, evidence.seen)
    read = {partition.partition for partition in evidence.partitions}
    for number in sorted(evidence.manifest.start_offsets.keys() - read):
        yield f"partition {number} is missing from the topic {evidence.manifest.topic}: run again"
    for partition in evidence.partitions:
        yield from _partition_doubts(partition, evidence)
    gaps = sum(partition.gaps for partition in evidence.partitions)
    manifest = evidence.manifest
    policies = (manifest.cleanup_policy, evidence.seen.cleanup_policy or "")
    policy = next((each for each in policies if "compact" in each), None)
    if gaps and policy is not None:
        yield (
            f"the topic {manifest.topic} has cleanup.policy={policy}, and {gaps} "
            "offsets hold no message, for Kafka itself removes them: use a topic with "
            "cleanup.policy=delete"
        )


def other_topic(manifest: Manifest, seen: TopicSeen) -> Iterator[str]:
    """Say why the topic that is there now is not the one that the run wrote to."""
    if seen.cluster_id is not None and seen.cluster_id != manifest.cluster_id:
        yield (
            f"the cluster is {seen.cluster_id}, and the run was on {manifest.cluster_id}: "
            "verify against the cluster that the run wrote to"
        )
    both_known = seen.topic_id is not None and manifest.topic_id is not None
    if both_known and seen.topic_id != manifest.topic_id:
        yield (
            f"the topic {manifest.topic} was deleted and made anew since the run began: its "
            "events are gone, run again"
        )


def _partition_doubts(partition: PartitionRead, evidence: Evidence) -> Iterator[str]:
    number, start = partition.partition, evidence.manifest.start_offsets.get(partition.partition, 0)
    log_start = max(
        evidence.end.log_start_offsets.get(number, 0),
        evidence.seen.log_start_offsets.get(number, 0),
    )
    if log_start > start:
        yield (
            f"partition {number} now begins at offset {log_start}, and the run began at {start}: "
            "its first events were deleted; use a longer retention, and verify sooner"
        )
    if unreadable := evidence.end.unreadable.get(number):
        yield (
            f"partition {number} has {unreadable} messages behind offset {partition.end - 1} that "
            "nobody can read, for they are not on all in-sync replicas: see to the brokers, and "
            "verify again"
        )
    if partition.end < start:
        yield (
            f"partition {number} ends at offset {partition.end}, before the run's start at "
            f"{start}: the topic lost data or is another one; run again"
        )
    if not partition.reached_end:
        reached = "nothing" if partition.last is None else f"offset {partition.last}"
        yield (
            f"partition {number} was asked for up to offset {partition.end - 1}, and the reader "
            f"reached {reached}: verify again; transactions and compaction also leave such ends"
        )


def _notes(evidence: Evidence) -> Iterator[str]:
    counts = evidence.counts
    yield from evidence.generators.notes
    for state in evidence.ledger.torn:
        yield (
            f"generator {state.generator} never sealed its ledger; {state.without_row} of the "
            f"{state.asked} ids it reserved have no row and count as indeterminate"
        )
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
                f"first at offset {samples}"
            )
    added = sorted(
        {p.partition for p in evidence.partitions} - evidence.manifest.start_offsets.keys()
    )
    if added:
        yield f"partitions {', '.join(map(str, added))} were added during the run"
    yield from _clock_notes(evidence.clocks)
    if CREATE_TIME in evidence.timestamp_types:
        yield (
            "the topic's timestamps are the producer's (CreateTime), so end-to-end times end when "
            "the service handed the event over; message.timestamp.type=LogAppendTime would take "
            "the broker's clock"
        )
    yield from _state_notes(evidence.state)
    if "acks=0" in evidence.manifest.promise:
        yield (
            "the service published with acks=0: its 2xx says that an event was handed over, not "
            "that a broker has it; losses are what that setting allows"
        )
    if counts.lost == 0 and counts.acked > 0:
        yield _upper_bound(counts.acked)


def _state_notes(state: StateCheck) -> Iterator[str]:
    if state.result is StateResult.NOT_CHECKED and state.numbers and not state.is_due:
        yield (
            "what the scenario expects and what the topic implies is the same state, which was not "
            f"compared with a database: {state.why_not}"
        )


def _clock_notes(clocks: Iterable[ClockOffset]) -> Iterator[str]:
    for clock in clocks:
        if not clock.is_steady:
            yield (
                f"the clocks of generator {clock.generator} and of the topic moved against each "
                f"other by at least {-2 * clock.uncertainty_ms:.1f} ms: end-to-end times, and what "
                "is late, are as uncertain as that"
            )
        elif clock.is_apart:
            ahead = "ahead of" if clock.offset_ms > 0 else "behind"
            offset = f"{abs(clock.offset_ms):.1f} ms (± {clock.uncertainty_ms:.1f})"
            yield (
                f"the topic's clock is {offset} {ahead} that of generator {clock.generator}, "
                "which its end-to-end times include"
            )


def _upper_bound(acked: int) -> str:
    """Say what no loss in so many proves: the rule of three (Hanley and Lippman-Hand, 1983)."""
    bound = f"{min(1.0, 3 / acked):.2g}"
    return (
        f"0 of {acked} acknowledged events lost: with 95 % confidence the rate of loss is below "
        f"{bound}, if losses are independent of each other"
    )
