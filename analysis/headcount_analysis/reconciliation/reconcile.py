"""Reconciling: joins each attempt with its messages, and gives it its class and flags.

Sequence numbers are dense, so an attempt is found by its position, without a search. All attempts
of a block and all messages that claim one of them are compared together, as Arrow columns.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headcount.run.id_form import RunIds
from headcount.run.request_outcome import Outcome
from headcount_analysis.arrow_types import TEXTS, Flags, Integers
from headcount_analysis.batches.id_columns import id_texts
from headcount_analysis.classes_and_flags import TABLE, Fate, Seen
from headcount_analysis.messages import timestamps
from headcount_analysis.reconciliation.claimed_attempts import attempt_rows, differs
from headcount_analysis.reconciliation.lateness import are_late, entered_ns

FATES = pa.schema(
    [
        ("id", pa.string()),
        ("generator", pa.int32()),
        ("seq", pa.int64()),
        ("event_type", TEXTS),
        ("scenario_user", TEXTS),
        ("outcome", TEXTS),
        ("http_status", pa.int16()),
        ("error", TEXTS),
        ("intended_at_ns", pa.int64()),
        ("sent_at_ns", pa.int64()),
        ("answered_at_ns", pa.int64()),
        ("acked_partition", pa.int32()),
        ("acked_offset", pa.int64()),
        ("server", TEXTS),
        ("copies", pa.int64()),
        ("copies_differ", pa.bool_()),
        ("partition", pa.int32()),
        ("offset", pa.int64()),
        ("broker_at_ms", pa.int64()),
        ("key_hash", pa.int64()),
        ("fate", TEXTS),
        ("corrupted", pa.bool_()),
        ("reordered", pa.bool_()),
        ("late", pa.bool_()),
        ("misplaced", pa.bool_()),
        ("ended_at_ns", pa.int64()),
        ("entered_at_ns", pa.int64()),
    ]
)
"""A row for each attempt and each phantom. The ledger's columns are null for a phantom, except
`event_type`, which is its message's. `copies_differ` says whether any two copies have different
bytes. `partition`, `offset`, `broker_at_ms` and `key_hash` are those of the first copy, and null if
there is none; `key_hash` is also null if the copy has no key. `entered_at_ns` is the first copy's
time by the clock of the attempt's generator, null if its timestamp is not a time."""

_FATES = tuple(Fate)
_OUTCOMES = tuple(Outcome)
_SEEN = (Seen.NEVER, Seen.ONCE, Seen.MORE)
_UNCLASSED = -1
_FATE_OF = np.array(
    [[_FATES.index(TABLE[outcome, seen]) for seen in _SEEN] for outcome in _OUTCOMES]
)


@dataclass(frozen=True, slots=True)
class _Copies:
    """The totals of each attempt's messages, by the attempt's row.

    `first` is the row of its first message, -1 if it has none.
    """

    count: Integers
    first: Integers
    corrupted: Flags
    differ: Flags
    in_place: Flags


def fates(
    attempts: pa.Table,
    claimed: pa.Table,
    ids: RunIds,
    late_after_ms: int,
    first_seq: int = 0,
    *,
    corrections_ms: Mapping[int, int] | None = None,
    compares_content: bool = True,
) -> pa.Table:
    """Reconcile the attempts of a block of sequence numbers, of which the first is `first_seq`.

    `reordered` is false for all: an event may be overtaken by one of another block, so
    `ordering.py` sets the flag later.

    Args:
        attempts: A row for each, of `attempts.COLUMNS`, in one chunk.
        claimed: Every message that claims one of them, of `kinds.ARRIVALS`, in one chunk.
        ids: The run's ids.
        late_after_ms: How long after its intended time an event may enter the topic.
        first_seq: The first sequence number of the block.
        corrections_ms: By generator, how far the topic's clock is ahead of its own; 0 if missing.
        compares_content: Whether the messages have content that can be compared.

    Returns:
        A row for each attempt, of FATES, in their order.
    """
    copies = _copies(attempts, claimed, first_seq, compares_content=compares_content)
    first = pa.array(copies.first, mask=copies.first < 0)
    first_message = {name: claimed[name].combine_chunks().take(first) for name in _OF_FIRST}
    outcome = attempts["outcome"]
    entered_at_ns = entered_ns(first_message["timestamp_ms"], attempts, corrections_ms or {})
    columns: Mapping[str, pa.Array | pa.ChunkedArray] = {
        "id": id_texts(ids, attempts["generator"], attempts["seq"]),
        "copies": pa.array(copies.count),
        "copies_differ": pa.array(copies.differ),
        **{_OF_FIRST[name]: column for name, column in first_message.items()},
        "fate": _fate(outcome, copies.count),
        "corrupted": pa.array(copies.corrupted),
        "reordered": pa.repeat(pa.scalar(False), len(attempts)),
        "late": are_late(entered_at_ns, attempts["intended_at_ns"], late_after_ms),
        "misplaced": _misplaced(attempts, copies),
        "entered_at_ns": entered_at_ns,
    }
    chosen = [columns[name] if name in columns else attempts[name] for name in FATES.names]
    return pa.Table.from_arrays(chosen, schema=FATES)


_OF_FIRST = {
    "partition": "partition",
    "offset": "offset",
    "timestamp_ms": "broker_at_ms",
    "key_hash": "key_hash",
}


def _copies(
    attempts: pa.Table, claimed: pa.Table, first_seq: int, *, compares_content: bool
) -> _Copies:
    row = attempt_rows(attempts, claimed, first_seq)
    size = len(attempts)
    count = np.bincount(row, minlength=size).astype(np.int64)
    first = np.full(size, -1, np.int64)
    corrupted, in_place, differ = (np.zeros(size, np.bool_) for _ in range(3))
    first[row] = np.arange(len(row))
    if compares_content:
        corrupted[row[differs(attempts, claimed, row)]] = True
    in_place[row[_is_in_place(attempts, claimed, row)]] = True
    if count.max(initial=0) > 1:
        _compare_copies(claimed, row, count, first, differ)
    return _Copies(count, first, corrupted, differ, in_place)


def _is_in_place(attempts: pa.Table, claimed: pa.Table, row: Integers) -> Flags:
    """Mark messages at the partition and offset that the service named; False if it named none."""
    same = np.ones(len(row), np.bool_)
    for acked, seen in (("acked_partition", "partition"), ("acked_offset", "offset")):
        where = attempts[acked].cast(pa.int64()).fill_null(-1).to_numpy()[row]
        same &= where == claimed[seen].to_numpy()
    return same


def _compare_copies(
    claimed: pa.Table, row: Integers, count: Integers, first: Integers, differ: Flags
) -> None:
    """For attempts with several copies, find the first copy, and mark whether any copies differ."""
    repeated = np.flatnonzero(count[row] > 1)
    time, partition, offset, value = (
        claimed[name].to_numpy()[repeated]
        for name in ("timestamp_ms", "partition", "offset", "value_hash")
    )
    attempt_row = row[repeated]
    order = np.lexsort((offset, partition, time, attempt_row))
    _, start = np.unique(attempt_row[order], return_index=True)
    leaders = repeated[order[start]]
    first[row[leaders]] = leaders
    known = claimed["value_hash"].to_numpy()
    differ[attempt_row[value != known[first[attempt_row]]]] = True


def _fate(outcome: pa.ChunkedArray, count: Integers) -> pa.DictionaryArray:
    """Look up the class of each attempt; null if its outcome is not a known one."""
    codes = _codes(outcome, [value.value for value in _OUTCOMES])
    fate = np.where(codes < 0, _UNCLASSED, _FATE_OF[codes, np.minimum(count, 2)])
    indices = pa.array(fate.astype(np.int32), mask=fate < 0)
    return pa.DictionaryArray.from_arrays(indices, [value.value for value in _FATES])


def _codes(values: pa.ChunkedArray, names: list[str]) -> Integers:
    """Replace each value by its index in `names`, -1 if it is not in there."""
    indices = pc.index_in(values.cast(pa.string()), pa.array(names))
    codes: Integers = indices.fill_null(-1).to_numpy().astype(np.int64)
    return codes


def _misplaced(attempts: pa.Table, copies: _Copies) -> pa.Array:
    """Mark events that are not where the service said; False if it said nothing."""
    is_named = pc.and_(attempts["acked_partition"].is_valid(), attempts["acked_offset"].is_valid())
    return pa.array((copies.count > 0) & is_named.to_numpy() & ~copies.in_place)


def phantoms(unowned: pa.Table) -> pa.Table:
    """Make a row for each id that claims this run but was never requested.

    Args:
        unowned: Messages, of `kinds.ARRIVALS`; those that are not phantoms are left out.

    Returns:
        Rows of FATES.
    """
    phantom_rows = unowned.filter(pc.equal(unowned["kind"], Fate.PHANTOM.value))
    order = [(name, "ascending") for name in ("claimed_id", "timestamp_ms", "partition", "offset")]
    ordered = phantom_rows.sort_by(order).combine_chunks()
    identity = ordered["claimed_id"].to_numpy()
    is_first = np.ones(len(identity), np.bool_)
    is_first[1:] = identity[1:] != identity[:-1]
    start = np.flatnonzero(is_first)
    hashes = ordered["value_hash"].to_numpy()
    group = np.cumsum(is_first) - 1
    differ = np.zeros(len(start), np.bool_)
    differ[group[hashes != hashes[start][group]]] = True
    first = ordered.take(pa.array(start))
    nothing = pa.repeat(pa.scalar(False), len(start))
    columns = {
        "id": first["claimed_id"],
        "event_type": first["event_type"],
        "copies": pa.array(np.bincount(group, minlength=len(start)).astype(np.int64)),
        "copies_differ": pa.array(differ),
        **{target: first[name] for name, target in _OF_FIRST.items()},
        "fate": pa.array([Fate.PHANTOM.value] * len(start), TEXTS),
        **dict.fromkeys(("corrupted", "reordered", "late", "misplaced"), nothing),
        "entered_at_ns": timestamps.in_ns(first["timestamp_ms"], pa.nulls(len(start), pa.int64())),
    }
    chosen = [
        columns[item.name] if item.name in columns else pa.nulls(len(start), item.type)
        for item in FATES
    ]
    return pa.Table.from_arrays(chosen, schema=FATES)
