"""Reconciling against a plain model, over random histories, all reconciled together."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pytest
from headcount_analysis.classes_and_flags import FLAGS, TABLE, Fate, Seen
from headcount_analysis.ledger.attempts import COLUMNS
from headcount_analysis.messages.kinds import ARRIVALS, MessageKind
from headcount_analysis.reconciliation import ordering, reconcile

from headcount.ledger.schema import SCHEMA
from headcount.run.id_form import RunIds
from headcount.run.request_outcome import Outcome

RUN = "run-1"
LATE_AFTER_MS = 50
SHAPES = ["event_type", "event_type,metal"]
ATTEMPTS = pa.schema([(name, SCHEMA.field(name).type) for name in COLUMNS])


@dataclass(frozen=True)
class ModelAttempt:
    """An attempt; its digest over its own shape is `digest`, over any other 0. Times in ms."""

    generator: int
    seq: int
    outcome: Outcome
    shape: str | None
    digest: int | None
    sent_ms: int | None
    answered_ms: int | None
    acked_at: tuple[int, int] | None = None


@dataclass(frozen=True)
class Copy:
    """A message with the id of an attempt."""

    generator: int
    seq: int
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    digests: tuple[int, ...]
    value_hash: int


@dataclass(frozen=True)
class ExpectedFate:
    """What the model expects of an attempt."""

    fate: Fate
    copies: int
    first: tuple[int, int] | None
    corrupted: bool
    reordered: bool
    late: bool
    misplaced: bool
    copies_differ: bool


def attempts(chance: random.Random, generator: int) -> Iterator[ModelAttempt]:
    """A short history of one generator, in the order of sending."""
    now = 1_000_000
    for seq in range(chance.randint(0, 7)):
        now += chance.randint(0, 4)
        answered = None if chance.random() < 0.2 else now + chance.randint(0, 6)
        outcome = chance.choice(list(Outcome))
        if chance.random() < 0.1:
            yield ModelAttempt(generator, seq, Outcome.INDETERMINATE, None, None, None, None)
        else:
            shape = chance.choice(SHAPES)
            acked_at = chance.choice([None, (0, chance.randint(0, 9)), (1, chance.randint(0, 9))])
            digest = chance.randint(1, 2)
            yield ModelAttempt(generator, seq, outcome, shape, digest, now, answered, acked_at)


def copies(chance: random.Random, asked: list[ModelAttempt], offsets: list[int]) -> Iterator[Copy]:
    """Messages of these attempts, in the order of the topic."""
    placed = [attempt for attempt in asked for _ in range(chance.choice([0, 1, 1, 1, 1, 2, 3]))]
    if chance.random() < 0.5:
        chance.shuffle(placed)
    for attempt in placed:
        partition = chance.randint(0, 1)
        digests = [0] * len(SHAPES)
        if attempt.shape is not None and attempt.digest is not None:
            altered = chance.random() < 0.15
            digests[SHAPES.index(attempt.shape)] = 9 if altered else attempt.digest
        yield Copy(
            attempt.generator,
            attempt.seq,
            partition,
            offsets[partition],
            1_000_000 + chance.randint(0, 80),
            chance.choice([None, b"a", b"a", b"b"]),
            tuple(digests),
            chance.randint(1, 2),
        )
        offsets[partition] += 1


def first_of(candidates: list[Copy]) -> Copy | None:
    """The first copy, by timestamp, partition and offset."""
    return min(candidates, key=lambda c: (c.timestamp_ms, c.partition, c.offset), default=None)


def model(asked: list[ModelAttempt], seen: list[Copy]) -> dict[tuple[int, int], ExpectedFate]:
    """Apply the vocabulary to every attempt, word by word."""
    by_id = {
        (a.generator, a.seq): [c for c in seen if (c.generator, c.seq) == (a.generator, a.seq)]
        for a in asked
    }
    expected = {}
    for attempt in asked:
        own_copies = by_id[attempt.generator, attempt.seq]
        first = first_of(own_copies)
        late = (
            first is not None
            and attempt.sent_ms is not None
            and first.timestamp_ms - attempt.sent_ms > LATE_AFTER_MS
        )
        expected[attempt.generator, attempt.seq] = ExpectedFate(
            fate=TABLE[
                attempt.outcome, (Seen.NEVER, Seen.ONCE, Seen.MORE)[min(len(own_copies), 2)]
            ],
            copies=len(own_copies),
            first=None if first is None else (first.partition, first.offset),
            corrupted=any(
                attempt.shape is not None
                and copy.digests[SHAPES.index(attempt.shape)] != attempt.digest
                for copy in own_copies
            ),
            reordered=any(
                overtook(attempt, first, other, first_of(by_id[other.generator, other.seq]))
                for other in asked
            ),
            late=late,
            misplaced=bool(own_copies)
            and attempt.acked_at is not None
            and attempt.acked_at not in {(copy.partition, copy.offset) for copy in own_copies},
            copies_differ=len({copy.value_hash for copy in own_copies}) > 1,
        )
    return expected


def overtook(
    earlier: ModelAttempt, place: Copy | None, later: ModelAttempt, other: Copy | None
) -> bool:
    """Whether the later request, sent after the earlier one was answered, precedes it."""
    if place is None or other is None or earlier.answered_ms is None or later.sent_ms is None:
        return False
    same_line = (
        earlier.generator == later.generator
        and place.partition == other.partition
        and place.key is not None
        and place.key == other.key
    )
    return same_line and later.sent_ms > earlier.answered_ms and other.offset < place.offset


def ledger_row(attempt: ModelAttempt) -> dict[str, object]:
    """Return an attempt as a row of the ledger, or as the row made for a missing one."""
    row: dict[str, object] = {"generator": attempt.generator, "seq": attempt.seq}
    if attempt.sent_ms is None:
        return {**row, "event_type": "(unknown)", "outcome": "indeterminate"}
    sent_ns = attempt.sent_ms * 1_000_000
    partition, offset = attempt.acked_at or (None, None)
    return {
        **row,
        "event_type": "sword",
        "scenario_user": "Player",
        "shape": attempt.shape,
        "digest": attempt.digest,
        "intended_at_ns": sent_ns,
        "sent_at_ns": sent_ns,
        "answered_at_ns": None if attempt.answered_ms is None else attempt.answered_ms * 1_000_000,
        "outcome": attempt.outcome.value,
        "acked_partition": partition,
        "acked_offset": offset,
    }


def arrival_row(copy: Copy) -> dict[str, object]:
    """Return a copy as a row of ARRIVALS."""
    return {
        "partition": copy.partition,
        "offset": copy.offset,
        "timestamp_ms": copy.timestamp_ms,
        "timestamp_type": 0,
        "key_hash": None if copy.key is None else hash(copy.key),
        "kind": MessageKind.CLAIMED.value,
        "generator": copy.generator,
        "seq": copy.seq,
        "event_type": "sword",
        "digests": [digest for digest in copy.digests if digest],
        "value_hash": copy.value_hash,
    }


def reconciled(asked: list[ModelAttempt], seen: list[Copy]) -> pa.Table:
    """Reconcile in blocks of three numbers, and put all in order."""
    blocks = []
    for first in (0, 3, 6):
        attempts = pa.Table.from_pylist(
            [ledger_row(attempt) for attempt in asked if first <= attempt.seq < first + 3], ATTEMPTS
        )
        claimed = pa.Table.from_pylist(
            [arrival_row(copy) for copy in seen if first <= copy.seq < first + 3], ARRIVALS
        )
        blocks.append(reconcile.fates(attempts, claimed, RunIds(RUN), LATE_AFTER_MS, first))
    return pa.concat_tables(blocks)


@pytest.mark.parametrize("seed", [1])
def test_reconciled_as_the_model_says(seed: int) -> None:
    """500 histories, one generator each: every id has the expected class, position and flags."""
    chance = random.Random(seed)
    asked: list[ModelAttempt] = []
    seen: list[Copy] = []
    offsets = [0, 0]
    expected: dict[tuple[int, int], ExpectedFate] = {}
    for generator in range(500):
        if generator % 2:
            offsets = [0, 0]  # so that the places that were acknowledged are met by chance
        history = list(attempts(chance, generator))
        arrived = list(copies(chance, history, offsets))
        expected |= model(history, arrived)
        asked += history
        seen += arrived

    fates = reconciled(asked, seen)
    wrong = ordering.reordered(ordering.ordered(fates).combine_chunks()).to_pylist()
    behind = {(row["generator"], row["seq"]) for row in wrong}

    assert fates.schema == reconcile.FATES
    actual = {
        (row["generator"], row["seq"]): ExpectedFate(
            fate=Fate(row["fate"]),
            copies=row["copies"],
            first=None if row["offset"] is None else (row["partition"], row["offset"]),
            corrupted=row["corrupted"],
            reordered=(row["generator"], row["seq"]) in behind,
            late=row["late"],
            misplaced=row["misplaced"],
            copies_differ=row["copies_differ"],
        )
        for row in fates.to_pylist()
    }
    assert not any(fates["reordered"].to_pylist())
    assert actual == expected
    for flag in (*FLAGS, "copies_differ"):
        assert {getattr(result, flag) for result in expected.values()} == {True, False}
    assert {result.fate for result in expected.values()} == set(Fate) - {Fate.PHANTOM}
