"""Counts of attempts for the judge: by class, event type, generator and response."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headcount.ledger.event_types import UNKNOWN
from headcount.run.request_outcome import Outcome
from headcount_analysis.arrow_types import plain
from headcount_analysis.classes_and_flags import FLAGS, Counts, Fate, total
from headcount_analysis.column_combinations import Combined, added
from headcount_analysis.event_types import known_types

LONGEST_ERROR = 60

NO_ANSWER = "no answer"


@dataclass(frozen=True, slots=True)
class Checkable:
    """How many attempts were seen in the topic, and for how many each flag can be decided.

    Only attempts with a row in the ledger count. `timed` counts those with a usable timestamp, and
    `placed` those whose response names their partition and offset.
    """

    seen: int = 0
    timed: int = 0
    placed: int = 0

    def __add__(self, other: "Checkable") -> "Checkable":
        """Add two counts."""
        return Checkable(
            self.seen + other.seen, self.timed + other.timed, self.placed + other.placed
        )


@dataclass(frozen=True, slots=True)
class Attempts:
    """The totals of fates; phantoms, which no generator requested, count by event type only.

    `by_answer` has the HTTP status, as text, or the error as its key; `copies` is the number of
    messages. `rows` has the number of attempts with a row in the ledger, by generator; `rowless`
    counts the attempts without one. `checkable` tells, by event type, for how many events each
    flag can be decided.
    """

    by_event_type: dict[str, Counts]
    by_generator: dict[int, Counts]
    by_answer: dict[str, Counts]
    copies: int
    rows: dict[int, int] = field(default_factory=dict)
    checkable: dict[str, Checkable] = field(default_factory=dict)
    rowless: Counts = field(default_factory=Counts)


def of_fates(fates: pa.Table, event_types: Sequence[str]) -> Attempts:
    """Count fates, of `reconcile.FATES`.

    Phantoms of a type that no generator requested count as `(unknown)`, because anyone may have
    chosen the name. An attempt with an invalid outcome or class counts as an attempt, but not under
    that outcome or class, so that sums which do not add up reveal it.
    """
    types = known_types(fates["event_type"], event_types)
    combined = Combined.of(
        {
            "event_type": types,
            "answer": answers(fates).fill_null(NO_ANSWER),
            "has_row": fates["sent_at_ns"].is_valid(),
            **{name: fates[name] for name in ("generator", "outcome", "fate", *FLAGS)},
        }
    )
    by_type: dict[str, Counts] = {}
    by_generator: dict[int, Counts] = {}
    by_answer: dict[str, Counts] = {}
    rowless = Counts()
    for row, number in combined.counts():
        counts = _counts(row, number)
        by_type[row["event_type"]] = by_type.get(row["event_type"], Counts()) + counts
        if row["generator"] is not None:
            generator, answer = row["generator"], row["answer"]
            by_generator[generator] = by_generator.get(generator, Counts()) + counts
            by_answer[answer] = by_answer.get(answer, Counts()) + counts
            rowless += Counts() if row["has_row"] else counts
    return Attempts(
        by_type,
        by_generator,
        by_answer,
        pc.sum(fates["copies"]).as_py() or 0,
        _rows(fates),
        _checkable(fates, types),
        rowless,
    )


def _rows(fates: pa.Table) -> dict[int, int]:
    """Count by generator the attempts with a row in the ledger: only these have a sent time."""
    generator = fates["generator"].filter(fates["sent_at_ns"].is_valid())
    return {count["values"]: count["counts"] for count in pc.value_counts(generator).to_pylist()}


def _checkable(fates: pa.Table, types: pa.DictionaryArray) -> dict[str, Checkable]:
    """Count by event type the attempts seen, those of them with a time, and those with a place."""
    is_seen = pc.and_(pc.greater(fates["copies"], 0), fates["sent_at_ns"].is_valid())
    has_place = pc.and_(fates["acked_partition"].is_valid(), fates["acked_offset"].is_valid())
    conditions = (
        is_seen,
        pc.and_(is_seen, fates["entered_at_ns"].is_valid()),
        pc.and_(is_seen, has_place),
    )
    place, names = types.indices.to_numpy(), types.dictionary.to_pylist()
    counts = [
        np.bincount(place[condition.to_numpy()], minlength=len(names)).tolist()
        for condition in conditions
    ]
    by_type = {name: Checkable(*row) for name, *row in zip(names, *counts, strict=True)}
    return {name: checkable for name, checkable in by_type.items() if checkable.seen}


def merged_attempts(parts: Sequence[Attempts]) -> Attempts:
    """Add up the counts of several blocks."""
    return Attempts(
        added(part.by_event_type for part in parts),
        added(part.by_generator for part in parts),
        added(part.by_answer for part in parts),
        sum(part.copies for part in parts),
        added(part.rows for part in parts),
        added(part.checkable for part in parts),
        total(part.rowless for part in parts),
    )


def answers(fates: pa.Table) -> pa.ChunkedArray:
    """Name responses by their status or, without one, by the error up to its first `:`."""
    status = fates["http_status"].cast(pa.string())
    error = fates["error"]
    if error.null_count == len(error):
        return status
    kind = pc.replace_substring_regex(plain(error), pattern=r"(?s):.*", replacement="")
    return pc.coalesce(status, pc.utf8_slice_codeunits(kind, 0, LONGEST_ERROR))


def answer_of(status: object, error: str) -> str:
    """Name one response as `answers` does; `status` and `error` are empty if there is none."""
    return str(status or error.partition(":")[0][:LONGEST_ERROR] or NO_ANSWER)


def _counts(row: Mapping[str, Any], number: int) -> Counts:
    keys = {flag for flag in FLAGS if row[flag]}
    if row["fate"] in set(Fate):
        keys.add(row["fate"])
    if row["fate"] != Fate.PHANTOM:
        keys.add("attempted")
    if row["outcome"] in set(Outcome):
        keys.add(row["outcome"])
    return Counts(**dict.fromkeys(keys, number))


def merged(*parts: dict[str, Counts]) -> dict[str, Counts]:
    """Add up counts by event type, sorted, with the unknown type last."""
    names = sorted({name for part in parts for name in part}, key=lambda n: (n == UNKNOWN, n))
    return {name: total(part.get(name, Counts()) for part in parts) for name in names}
