"""The judge on literal evidence: sane, empty, each pathology, and each way to a vacuous pass."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import pytest
from headcount_analysis.classes_and_flags import Counts
from headcount_analysis.evidence import Evidence
from headcount_analysis.judge import Limits, crashed, judge
from headcount_analysis.judge.notes import rule_of_three
from headcount_analysis.judge.subjects import SUBJECTS, Subject
from headcount_analysis.ledger.ledger_state import GeneratorState, LedgerState
from headcount_analysis.measure.clocks import ClockOffset
from headcount_analysis.measure.threshold_results import ThresholdResult
from headcount_analysis.messages.timestamps import Unit
from headcount_analysis.read.partition_summary import PartitionRead
from headcount_analysis.read.topic_seen import TopicSeen
from headcount_analysis.reconciliation.attempt_counts import Checkable
from headcount_analysis.reconciliation.order_counts import Order
from headcount_analysis.state.differences import StateCheck, StateDifference

from headcount.run.manifest import End
from headcount.run.verdict import Check, Label, Result, Verdict, meaning_of
from headcount.thresholds.grammar import parse
from tests.manifests import MANIFEST

SANE = Evidence(
    by_event_type={"default": Counts(attempted=10, acked=10, delivered=10)},
    ledger=LedgerState(
        generators=(
            GeneratorState(0, sealed=True, asked=10, rows=10, without_row=0, attempted=10),
        ),
        shapes=("event_type",),
        event_types=("default",),
    ),
    partitions=(PartitionRead(0, start=5, end=15, read=10, first=5, last=14),),
    manifest=MANIFEST,
    end=End({0: 15}, {0: 0}, "2026-11-23T22:20:00Z"),
    seen=TopicSeen(cluster_id="cluster", topic_id="topic", log_start_offsets={0: 0}),
    rows={0: 10},
    checkable={"default": Checkable(seen=10, timed=10, placed=10)},
    order=Order(events=10, keyed=10),
)


def with_counts(**counts: int) -> Evidence:
    """Return evidence of ten delivered events and some more counts."""
    more = Counts(**counts)
    return replace(SANE, by_event_type={"default": SANE.by_event_type["default"] + more})


def with_partition(**changes: int | None) -> Evidence:
    """Return evidence with changes to its partition."""
    return replace(SANE, partitions=(replace(SANE.partitions[0], **changes),))  # type: ignore[arg-type]


def limits_with(key: str, allowed: int) -> Limits:
    """Return limits with one other than the default."""
    return replace(Limits(), **{key: allowed})  # type: ignore[arg-type]


PATHOLOGIES = {
    "lost": with_counts(attempted=1, acked=1, lost=1),
    "duplicated": with_counts(attempted=1, acked=1, duplicated=1),
    "ghost": with_counts(attempted=1, failed=1, ghost=1),
    "phantom": with_counts(phantom=1),
    "corrupted": with_counts(attempted=1, acked=1, delivered=1, corrupted=1),
    "garbled": with_counts(malformed=1, garbled=1),
}

ALLOWED = {
    "recovered": with_counts(attempted=1, indeterminate=1, recovered=1),
    "absent": with_counts(attempted=1, indeterminate=1, absent=1),
    "refused": with_counts(attempted=1, failed=1, refused=1),
    "foreign": with_counts(foreign=7),
    "malformed": with_counts(malformed=7),
    "reordered": with_counts(attempted=1, acked=1, delivered=1, reordered=1),
    "late": with_counts(attempted=1, acked=1, delivered=1, late=1),
}

DAMAGED = replace(SANE.ledger, damage=("ledger/0/segment-000001.parquet is missing; restore it",))

INCOMPLETE_READING = {
    "but no message was read": with_partition(read=0, first=None, last=None),
    "but reading stopped at offset 13": with_partition(read=9, last=13),
    "its first events were deleted": replace(SANE, end=replace(SANE.end, log_start_offsets={0: 6})),
    "7 messages after offset 14": replace(SANE, end=replace(SANE.end, unreadable={0: 7})),
    "now begins at offset 6": replace(SANE, seen=TopicSeen(log_start_offsets={0: 6})),
    "partition 1 is missing": replace(SANE, manifest=replace(MANIFEST, start_offsets={0: 5, 1: 0})),
    "before the run's start": with_partition(start=3, end=3, read=0, first=None, last=None),
    "cleanup.policy=compact": replace(
        with_partition(read=9), manifest=replace(MANIFEST, cleanup_policy="compact,delete")
    ),
    "the cluster is other": replace(SANE, seen=TopicSeen(cluster_id="other")),
    "has cleanup.policy=compact": replace(
        with_partition(read=9), seen=TopicSeen(cleanup_policy="compact")
    ),
    "its cleanup.policy is unknown": replace(
        with_partition(read=9), manifest=replace(MANIFEST, cleanup_policy="")
    ),
    "was deleted and recreated": replace(SANE, seen=TopicSeen(topic_id="other")),
}

INCONCLUSIVE = {
    **INCOMPLETE_READING,
    "nothing was attempted": replace(SANE, by_event_type={}),
    "none of 3 attempts was acknowledged": replace(
        SANE, by_event_type={"default": Counts(attempted=3, failed=3, refused=3)}
    ),
    "the run has no ledger": replace(SANE, ledger=LedgerState()),
    "segment-000001.parquet is missing": replace(SANE, ledger=DAMAGED),
    "the classes add up to 9": replace(
        SANE, by_event_type={"default": Counts(attempted=10, acked=10, delivered=9)}
    ),
    "the outcomes add up to 9": replace(
        SANE, by_event_type={"default": Counts(attempted=10, acked=9, delivered=10)}
    ),
    "a check crashed": replace(SANE, problems=("a check crashed",)),
}


def test_every_subject_is_a_check() -> None:
    """Kept checks are listed, too; checks without a limit are not tried."""
    judged = judge(SANE, Limits(), [ThresholdResult(parse("http.p99 < 1s"), 5.0)])
    results = {check.name: check.result.value for check in judged.checks}
    kept = [
        *("lost", "duplicated", "ghost", "phantom", "corrupted", "garbled", "verification", "sums"),
        *("ledger", "seals", "rows compared", "topic read", "topic settled", "id in place"),
        "acknowledged: default",
        "http.p99 < 1s",
    ]
    untried = ("reordered", "late", "misplaced", "malformed", "state")
    assert results == dict.fromkeys(kept, "kept") | dict.fromkeys(untried, "not tried")
    assert all(check.evidence for check in judged.checks)


def test_thresholds_are_judged_in_addition_to_delivery() -> None:
    """A broken one turns a pass into less; one without data is inconclusive."""
    broken = ThresholdResult(parse("http.p99 < 1ms"), 5.0)
    unmeasured = ThresholdResult(parse("http.p99 < 1ms"), None)
    assert judge(SANE, Limits(), [broken]).label is Label.THRESHOLD_BROKEN
    assert judge(SANE, Limits(), [unmeasured]).label is Label.INCONCLUSIVE
    assert judge(SANE, Limits(), [broken]).reasons == ("threshold broken: http.p99 < 1ms: 5.0 ms",)
    assert judge(PATHOLOGIES["lost"], Limits(), [broken, unmeasured]).label is Label.FAIL


def test_a_log_that_was_shorter_under_a_later_leader_is_noted() -> None:
    """It may have been read from before the recorded start: a pass, and a note has the offsets.

    A later leader with a log that was no shorter is not worth a note.
    """
    read = PartitionRead(0, start=3, end=13, read=10, first=3, last=12)
    shorter = replace(SANE, partitions=(read,), seen=TopicSeen(epoch_ends={0: 3}))
    judgement = judge(shorter, Limits())
    assert judgement.verdict is Verdict.PASS
    (note,) = (note for note in judgement.notes if "a later leader" in note)
    assert note.startswith("partition 0 ended at offset 5 when the run began")
    assert "read from offset 3" in note
    longer = judge(replace(SANE, seen=TopicSeen(epoch_ends={0: 6})), Limits())
    assert longer.notes == judge(SANE, Limits()).notes


@pytest.mark.parametrize(
    ("end", "log_start", "reason"),
    [
        (2, 0, "ends at offset 2, before the run's start at 3"),
        (13, 4, "now begins at offset 4, but the run began at 3"),
    ],
)
def test_an_earlier_start_is_held_against_the_log_like_a_recorded_one(
    end: int, log_start: int, reason: str
) -> None:
    """A log that ends before it, or begins after it, proves no loss."""
    seen = TopicSeen(epoch_ends={0: 3}, log_start_offsets={0: log_start})
    read = PartitionRead(0, start=min(3, end), end=end, tail_is_empty=True)
    judgement = judge(replace(PATHOLOGIES["lost"], partitions=(read,), seen=seen), Limits())
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert any(reason in text for text in judgement.reasons)


@pytest.mark.parametrize(
    "evidence",
    [INCOMPLETE_READING["but reading stopped at offset 13"], replace(SANE, ledger=DAMAGED)],
)
def test_no_class_is_certainly_kept_if_evidence_is_missing(evidence: Evidence) -> None:
    """Unread messages may be of any class; the reason is listed once, not for each class."""
    judgement = judge(evidence, Limits())
    results = {check.name: check for check in judgement.checks}
    assert {results[key].result for key in PATHOLOGIES} == {Result.NOT_TRIED}
    assert "there may be more: the " in results["ghost"].evidence
    assert len(judgement.reasons) == 1


def test_a_run_without_evidence_is_inconclusive() -> None:
    """Its first reason says what happened, and no check is kept or broken."""
    judgement = crashed("Spark has no room", Limits(), [ThresholdResult(parse("rps > 1"), None)])
    assert judgement.label is Label.INCONCLUSIVE
    assert judgement.reasons[0] == "Spark has no room"
    results = {check.result for check in judgement.checks}
    assert results == {Result.UNPROVEN, Result.NOT_TRIED}


def test_a_subject_leaves_the_classes_it_names_unproven() -> None:
    """One line adds a doubt; the classes that it does not name stay proven."""

    def unsettled(_evidence: Evidence, _limits: Limits) -> Iterator[Check]:
        yield Check("settled", Result.UNPROVEN, "7 arrived late", "use --settle 30s")

    subject = Subject(unsettled, frozenset({"lost"}), "messages still arrived")
    subjects = (*SUBJECTS, subject)
    sane = judge(SANE, Limits(), subjects=subjects)
    assert sane.reasons == ("7 arrived late; use --settle 30s",)
    assert judge(PATHOLOGIES["ghost"], Limits(), subjects=subjects).label is Label.FAIL
    lost = judge(PATHOLOGIES["lost"], Limits(), subjects=subjects)
    assert lost.label is Label.INCONCLUSIVE
    assert "not proven: messages still arrived" in lost.reasons[0]


@pytest.mark.parametrize("count", [1, 3, 4, 7, 10, 60, 101, 2000, 2001, 4_999_999, 10**9 + 1])
def test_the_rule_of_three_is_rounded_up(count: int) -> None:
    """A rate "below" a figure that was rounded down is not proven to be."""
    bound, exact = Fraction(rule_of_three(count)), min(Fraction(1), Fraction(3, count))
    assert exact <= bound <= exact * Fraction(11, 10)


def test_sane_passes() -> None:
    """All events were acknowledged, arrived and were read: a pass without reasons against it."""
    judgement = judge(SANE, Limits())

    assert judgement.verdict is Verdict.PASS
    assert meaning_of(judgement.checks) == Label.PASS.meaning
    assert judgement.reasons == ()
    assert any("rate of loss is below 0.3" in note for note in judgement.notes)


@pytest.mark.parametrize("key", PATHOLOGIES)
def test_each_pathology_fails(key: str) -> None:
    """One of them is enough, and the first reason names it."""
    judgement = judge(PATHOLOGIES[key], Limits())

    assert judgement.verdict is Verdict.FAIL
    assert judgement.reasons[0].startswith(f"1 {key}")
    assert len(judgement.reasons) == 1


@pytest.mark.parametrize("key", PATHOLOGIES)
def test_run_may_allow_a_pathology(key: str) -> None:
    """An allowed class does not fail the run, and allows no other class."""
    judgement = judge(PATHOLOGIES[key], limits_with(key, 1))
    assert judgement.verdict is Verdict.PASS
    assert meaning_of(judgement.checks) == f"Only allowed exceptions occurred: 1 {key}, 1 allowed."
    for other in PATHOLOGIES.keys() - {key}:
        assert judge(PATHOLOGIES[other], limits_with(key, 1)).verdict is Verdict.FAIL


@pytest.mark.parametrize("key", ALLOWED)
def test_each_allowed_class_passes(key: str) -> None:
    """Classes that prove nothing against the service do not fail the run."""
    assert judge(ALLOWED[key], Limits()).verdict is Verdict.PASS


@pytest.mark.parametrize("key", ["reordered", "late", "malformed"])
def test_a_limit_makes_an_allowed_class_fail(key: str) -> None:
    """With a limit, they fail the run."""
    assert judge(ALLOWED[key], limits_with(key, 0)).verdict is Verdict.FAIL


@pytest.mark.parametrize("reason", INCONCLUSIVE)
def test_no_vacuous_pass(reason: str) -> None:
    """Missing evidence keeps the run from passing, and the reason names it."""
    judgement = judge(INCONCLUSIVE[reason], Limits())

    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert any(reason in text for text in judgement.reasons), judgement.reasons


@pytest.mark.parametrize("reason", INCOMPLETE_READING)
def test_loss_is_not_proven_by_incomplete_reading(reason: str) -> None:
    """Unread messages may be the ones that seem lost."""
    seems_lost = replace(
        INCOMPLETE_READING[reason], by_event_type=PATHOLOGIES["lost"].by_event_type
    )

    judgement = judge(seems_lost, Limits())

    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "not proven" in judgement.reasons[0]


@pytest.mark.parametrize("key", sorted(PATHOLOGIES.keys() - {"lost"}))
def test_what_was_read_proves_the_rest(key: str) -> None:
    """More reading could only add to a duplicate, ghost, phantom or corruption."""
    unread = INCOMPLETE_READING["but reading stopped at offset 13"]
    evidence = replace(unread, by_event_type=PATHOLOGIES[key].by_event_type)

    judgement = judge(evidence, Limits())

    assert judgement.verdict is Verdict.FAIL
    assert any("but reading stopped at" in reason for reason in judgement.reasons)


@pytest.mark.parametrize("key", PATHOLOGIES)
def test_damaged_ledger_proves_only_duplicates(key: str) -> None:
    """Both copies of a duplicate were read; everything else depends on the ledger."""
    judgement = judge(replace(PATHOLOGIES[key], ledger=DAMAGED), Limits())

    expected = Verdict.FAIL if key in {"duplicated", "garbled"} else Verdict.INCONCLUSIVE
    assert judgement.verdict is expected


KILLED = GeneratorState(1, sealed=False, asked=100, rows=90, without_row=10)
TORN = replace(SANE.ledger, generators=(*SANE.ledger.generators, KILLED))
TORN_ROWS = {0: 10, 1: KILLED.rows}


def test_torn_ledger_does_not_pass() -> None:
    """A loss in a killed generator's tail would not be seen; a run may allow that."""
    torn = replace(SANE, ledger=TORN, rows=TORN_ROWS)

    judgement = judge(torn, Limits())

    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.reasons[0].startswith("generator 1 never sealed its ledger")
    assert "10 of the 100 ids" in judgement.reasons[0]
    allowed = judge(torn, Limits(unsealed=1))
    assert allowed.verdict is Verdict.PASS
    assert "occurred: 1 of 2 ledgers sealed" in meaning_of(allowed.checks)


@pytest.mark.parametrize("key", PATHOLOGIES)
def test_torn_ledger_hides_no_failure(key: str) -> None:
    """The rows that were written still prove what they prove."""
    judgement = judge(replace(PATHOLOGIES[key], ledger=TORN, rows=TORN_ROWS), Limits())

    assert judgement.verdict is Verdict.FAIL
    assert judgement.reasons[0].startswith(f"1 {key}")


def test_compacting_topic_without_gaps_passes() -> None:
    """If every offset was read, nothing was compacted away."""
    compacting = replace(SANE, manifest=replace(MANIFEST, cleanup_policy="compact"))

    assert judge(compacting, Limits()).verdict is Verdict.PASS


def test_gaps_are_noted() -> None:
    """Offsets without a message are not losses, because transactions leave them; a note says so."""
    judgement = judge(with_partition(read=8), Limits())

    assert judgement.verdict is Verdict.PASS
    assert any("without a message in partition 0: 2" in note for note in judgement.notes)


@pytest.mark.parametrize(
    ("clock", "text"),
    [
        (
            ClockOffset(1, 349_000_000, 351_000_000, events=99),
            "350.0 ms (± 1.0) ahead of the clock of generator 1; end-to-end times are corrected",
        ),
        (ClockOffset(1, -3_000_000, -1_000_000), "2.0 ms (± 1.0) behind the clock of generator 1"),
        (
            ClockOffset(1, 5_000_000, 1_000_000, has_moved=True),
            "shifted relative to each other by at least 4.0 ms",
        ),
        (
            ClockOffset(1, 5_000_000, 1_000_000, events=99, published_later=7),
            "for 7 of 99 events of generator 1, the service answered before it published",
        ),
    ],
)
def test_clocks_that_differ_are_noted(clock: ClockOffset, text: str) -> None:
    """A note says what affects end-to-end times; the run does not fail."""
    judgement = judge(replace(SANE, clocks=(clock,)), Limits())

    assert judgement.verdict is Verdict.PASS
    assert any(text in note for note in judgement.notes)
    same = replace(SANE, clocks=(ClockOffset(0, -1_000_000, 1_000_000),))
    assert judge(same, Limits()).notes == judge(SANE, Limits()).notes


def test_tail_of_markers_is_read() -> None:
    """If a consumer reached the end without a message, it holds only a transaction's marker."""
    short = with_partition(read=9, last=13)
    (partition,) = short.partitions
    proven = replace(short, partitions=(replace(partition, tail_is_empty=True),))

    assert judge(short, Limits()).verdict is Verdict.INCONCLUSIVE
    assert judge(proven, Limits()).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("numbers", "note"), [([1], "partition 1 was added"), ([1, 2], "partitions 1, 2 were added")]
)
def test_partitions_added_during_the_run_are_noted(numbers: list[int], note: str) -> None:
    """A partition that the run's start did not know is read from its first offset."""
    added = [
        PartitionRead(number, start=0, end=1, read=1, first=0, last=0, foreign=1)
        for number in numbers
    ]

    judgement = judge(replace(SANE, partitions=(*SANE.partitions, *added)), Limits())

    assert judgement.verdict is Verdict.PASS
    assert f"{note} during the run" in judgement.notes


@pytest.mark.parametrize(
    ("samples", "note"), [((4,), "first at offset 4"), ((4, 6), "first at offsets 4, 6")]
)
def test_malformed_messages_are_noted(samples: tuple[int, ...], note: str) -> None:
    """With the offsets of the first ones, so that they can be looked at."""
    (partition,) = SANE.partitions
    damaged = replace(partition, malformed=2, malformed_samples=samples)
    judgement = judge(replace(SANE, partitions=(damaged,)), Limits())
    assert any(f"malformed messages in partition 0: 2, {note}" in line for line in judgement.notes)


DIFFERENT = replace(
    SANE,
    state=StateCheck(
        owners=3,
        numbers=9,
        different=2,
        differences=(
            StateDifference("run-1.0.o1", "gold", 10, 10, 0),
            StateDifference("run-1.0.o1", "item:bow", 1, 1, 0),
        ),
        why_not="",
    ),
)


def test_a_different_state_fails() -> None:
    """However well every event was delivered, unless it is allowed."""
    judgement = judge(DIFFERENT, Limits())
    assert judgement.verdict is Verdict.FAIL
    assert judgement.reasons[0].startswith(
        "2 of 9 values of the state differ; mostly the database disagrees with the scenario and "
        "the topic; see state.csv"
    )
    assert judge(DIFFERENT, Limits(different=1)).verdict is Verdict.FAIL
    assert judge(DIFFERENT, Limits(different=2)).verdict is Verdict.PASS


@pytest.mark.parametrize("evidence", INCOMPLETE_READING.values(), ids=INCOMPLETE_READING)
def test_a_difference_is_not_proven_by_a_partial_topic(evidence: Evidence) -> None:
    """Unread messages may explain it."""
    assert judge(replace(evidence, state=DIFFERENT.state), Limits()).verdict is Verdict.INCONCLUSIVE


def test_a_difference_is_not_proven_by_a_damaged_ledger() -> None:
    """The expected state is not fully known then."""
    judgement = judge(replace(DIFFERENT, ledger=DAMAGED), Limits())
    assert judgement.verdict is Verdict.INCONCLUSIVE


def test_a_state_that_should_have_been_checked() -> None:
    """If there is a database, no pass without it; if there is none, a note."""
    unread = StateCheck(owners=1, numbers=3, why_not="it cannot be read", is_due=True)
    judgement = judge(replace(SANE, state=unread), Limits())
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.reasons == (
        "the state was not compared with the service's database: it cannot be read",
    )
    judgement = judge(replace(SANE, state=replace(unread, is_due=False)), Limits())
    assert judgement.verdict is Verdict.PASS
    assert any(
        "not compared with a database: it cannot be read" in note for note in judgement.notes
    )
    assert judge(SANE, Limits()).notes == judge(replace(SANE, state=StateCheck()), Limits()).notes


ONE_TYPE_FAILS = replace(
    SANE,
    by_event_type={
        **SANE.by_event_type,
        "join_guild": Counts(attempted=1000, indeterminate=1000, absent=1000),
    },
)


def test_an_event_type_that_was_never_acknowledged_is_a_doubt() -> None:
    """However well others did; a run may accept it by name, which accepts no other type."""
    doubted = judge(ONE_TYPE_FAILS, Limits())
    assert doubted.label is Label.INCONCLUSIVE
    (reason,) = doubted.reasons
    assert reason.startswith("none of 1,000 attempts of event type join_guild was acknowledged")
    assert "--allow unacked=join_guild" in reason
    assert judge(ONE_TYPE_FAILS, Limits(unacked=("other",))).label is Label.INCONCLUSIVE
    assert judge(ONE_TYPE_FAILS, Limits(unacked=("other", "join_guild"))).label is Label.PASS


def test_attempts_without_a_row_are_not_an_event_type() -> None:
    """Their generator was killed, which is a separate doubt."""
    unknown = Counts(attempted=3, indeterminate=3, absent=3)
    evidence = replace(SANE, by_event_type={**SANE.by_event_type, "(unknown)": unknown})
    assert judge(evidence, Limits()).label is Label.PASS


@pytest.mark.parametrize("name", ["(unknown)", "total"])
@pytest.mark.parametrize("outcome", ["acked", "failed"])
def test_a_reserved_event_type_is_a_doubt(name: str, outcome: str) -> None:
    """A ledger of an earlier version may have one; the report cannot show it by itself."""
    counts = {outcome: 3, {"acked": "delivered", "failed": "refused"}[outcome]: 3}
    evidence = replace(
        SANE,
        by_event_type={**SANE.by_event_type, name: Counts(attempted=3, **counts)},
        ledger=replace(SANE.ledger, event_types=(name, "default")),
    )
    doubted = judge(evidence, Limits(unacked=(name,)))
    assert doubted.label is Label.INCONCLUSIVE
    assert doubted.reasons[0].startswith(f"the event type {name} is reserved")


@pytest.mark.parametrize(
    ("counts", "place", "text"),
    [
        (Counts(attempted=10, acked=10, delivered=10), 0, "10 of 10 attempts were acknowledged"),
        (
            Counts(attempted=10_000, acked=9_999, failed=1, delivered=9_999, refused=1),
            0,
            "9,999 of 10,000 attempts were acknowledged (99.9 %)",
        ),
        (
            Counts(attempted=10_000, acked=1, failed=9_999, delivered=1, refused=9_999),
            0,
            "only 1 of 10,000 attempts were acknowledged (0.01 %): the verdict on delivery",
        ),
    ],
)
def test_the_share_of_acknowledged_attempts_is_noted(counts: Counts, place: int, text: str) -> None:
    """Always, and first if it is small."""
    notes = judge(replace(SANE, by_event_type={"default": counts}), Limits()).notes
    assert notes[place].startswith(text)


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ({0: 8}, "generator 0 sealed 10 attempts, but 8 of its rows were compared"),
        ({0: 12}, "generator 0 sealed 10 attempts, but 12 of its rows were compared"),
        ({}, "generator 0 sealed 10 attempts, but 0 of its rows were compared"),
        ({0: 10, 3: 5}, "5 rows of generator 3 were compared, but it has no ledger"),
    ],
)
def test_compared_rows_are_checked_against_the_seals(rows: dict[int, int], text: str) -> None:
    """Fewer or more rows: nothing that needs all rows is proven then."""
    judgement = judge(replace(SANE, rows=rows), Limits())
    assert judgement.label is Label.INCONCLUSIVE
    assert judgement.reasons[0].startswith(text)
    lost = judge(replace(PATHOLOGIES["lost"], rows=rows), Limits())
    assert lost.label is Label.INCONCLUSIVE
    assert "not every row of the ledger was compared" in lost.reasons[0]


def test_rows_that_an_unsealed_generator_has_written_are_compared() -> None:
    """Without a seal, they are checked against the rows on disk."""
    rows = {0: 10, 1: KILLED.rows - 1}
    judgement = judge(replace(SANE, ledger=TORN, rows=rows), Limits(unsealed=1))
    assert f"generator 1 wrote {KILLED.rows} attempts, but {KILLED.rows - 1}" in " ".join(
        judgement.reasons
    )


NOTHING_TO_LOOK_AT = replace(
    SANE,
    checkable={"default": Checkable(seen=10)},
    order=Order(events=0, keyed=6, spread=6),
    unusable={Unit.SECONDS: 10},
)
WHY_NOT = {
    "reordered": "0 of 10 events could be checked: the others have no key (4), a key in several "
    "partitions (6)",
    "late": "0 of 10 events could be checked: 10 have timestamps that look like seconds",
    "misplaced": "0 of 10 events could be checked: the other responses name no partition and "
    "offset",
}


@pytest.mark.parametrize("key", WHY_NOT)
def test_a_limit_with_nothing_to_check_is_a_doubt(key: str) -> None:
    """If the limit was set; one event is enough, and the check says how many there were."""
    assert judge(NOTHING_TO_LOOK_AT, Limits()).label is Label.PASS
    judgement = judge(NOTHING_TO_LOOK_AT, limits_with(key, 0))
    assert judgement.label is Label.INCONCLUSIVE
    (reason,) = judgement.reasons
    assert reason.startswith(WHY_NOT[key])
    assert f"--allow {key}" in reason
    some = replace(
        NOTHING_TO_LOOK_AT,
        checkable={"default": Checkable(seen=10, timed=1, placed=1)},
        order=Order(events=1, keyed=6, spread=5),
        unusable={Unit.SECONDS: 9},
    )
    kept = judge(some, limits_with(key, 0))
    assert kept.label is Label.PASS
    (check,) = (kept_check for kept_check in kept.checks if kept_check.name == f"{key}: coverage")
    assert check.evidence.startswith("1 of 10 events could be checked")
    assert any(
        note.startswith(("1 of 10", "the responses for 1 of 10", "the order of 1 of 10"))
        for note in kept.notes
    )


def test_lateness_needs_clocks_that_agree() -> None:
    """By a tenth of the limit, or better."""
    for offset_ms, label in ((5_000, Label.PASS), (7_000, Label.INCONCLUSIVE)):
        at_ns = offset_ms * 1_000_000
        clock = ClockOffset(0, at_ns - 1_000_000, at_ns + 1_000_000, events=99)
        assert judge(replace(SANE, clocks=(clock,)), limits_with("late", 0)).label is label
        assert judge(replace(SANE, clocks=(clock,)), Limits()).label is Label.PASS


def test_requests_without_an_answer_are_noted() -> None:
    """In a note, because they count in all durations."""
    notes = judge(replace(SANE, unanswered=3), Limits()).notes
    assert any(note.startswith("3 of 10 requests had no response") for note in notes)


def test_an_unknown_cleanup_policy_is_no_doubt_without_gaps() -> None:
    """If every offset holds a message, compaction has removed none; a note says what is unknown."""
    restricted = replace(SANE, manifest=replace(MANIFEST, cleanup_policy=""))
    judgement = judge(restricted, Limits())
    assert judgement.verdict is Verdict.PASS
    assert any("cleanup.policy of the topic are unknown" in note for note in judgement.notes)


def test_content_that_is_not_compared() -> None:
    """It is no doubt, but the first note and the check say so; nothing claims that it is intact."""
    raw = replace(SANE, compares_content=False, manifest=replace(MANIFEST, message_format="raw"))
    judgement = judge(raw, Limits())
    assert judgement.verdict is Verdict.PASS
    assert "content of events was not compared (--format raw)" in judgement.first_notes[0]
    (check,) = (check for check in judgement.checks if check.name == "corrupted")
    assert check.result is Result.NOT_TRIED
