"""The matrix: injected against reported labels, for every attempt and every message.

It is read from the tables that a verification writes, `fates.parquet` and `arrivals.parquet`, not
from its sums: if two ids are reported with each other's class, they are off the diagonal, although
the sums are right.
"""

import functools
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from headcount_analysis.classes_and_flags import FLAGS, Fate
from headcount_analysis.messages.kinds import MessageKind
from headcount_analysis.selftest.faults import CLEAN, label
from headcount_analysis.selftest.plan import GENERATORS, AttemptId, Plan

NOTHING = "(nothing)"
"""The label of what was reported but never injected, or injected but never reported."""

SAMPLES = 5


@dataclass(frozen=True, slots=True)
class Injected:
    """The injected labels of a run: by attempt, and by name of a message without an attempt.

    `altered_fields` are the names and kinds of altered fields, by attempt.
    """

    plan: Plan
    attempts: Mapping[AttemptId, str]
    unowned: Mapping[str, str]
    altered_fields: Mapping[AttemptId, frozenset[tuple[str, str]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Matrix:
    """The confusion matrix: `cells` counts pairs of (injected, reported) labels.

    `samples` describes a few cases off the diagonal.
    """

    cells: Mapping[tuple[str, str], int]
    samples: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """Every label, clean first and nothing last."""
        names = {name for pair in self.cells for name in pair}
        return tuple(sorted(names, key=lambda name: (name == NOTHING, name != CLEAN, name)))

    @property
    def is_diagonal(self) -> bool:
        """Whether every label was reported as it was injected."""
        return all(injected == reported for injected, reported in self.cells)

    def __add__(self, other: "Matrix") -> "Matrix":
        """Add up two matrices, cell by cell."""
        cells = Counter(self.cells)
        cells.update(other.cells)
        return Matrix(cells, (*self.samples, *other.samples)[:SAMPLES])


def read_matrix(injected: Injected, fates: Path, arrivals: Path) -> Matrix:
    """Compare the injected labels with those that a verification reported. Raises OSError."""
    cells: Counter[tuple[str, str]] = Counter()
    samples: list[str] = []
    for name, expected, reported, count in (
        *_attempts(injected, fates),
        *_unowned(injected, fates, arrivals),
    ):
        cells[expected, reported] += count
        if expected != reported and len(samples) < SAMPLES:
            samples.append(f"{name}: injected {expected}, reported {reported}")
    return Matrix(cells, tuple(samples))


Finding = tuple[str, str, str, int]
"""The id or name, the injected label, the reported label, and the number of equal cases."""


def _attempts(injected: Injected, fates: Path) -> Iterator[Finding]:
    """Compare every attempt: yield each one that is not clean, and one count of the others."""
    plan = injected.plan
    seen = [np.zeros(plan.attempted(number), dtype=np.int32) for number in range(GENERATORS)]
    reported: dict[AttemptId, str] = {}
    for batch in _rows(fates, ("generator", "seq", "fate", *FLAGS), ~_is_phantom()):
        for generator in range(GENERATORS):
            rows = batch.filter(pc.equal(batch["generator"], generator))
            np.add.at(seen[generator], rows["seq"].to_numpy(), 1)
        reported |= _not_clean(batch)
    harmed = injected.attempts.keys()
    for attempt in sorted(reported.keys() | harmed):
        expected = injected.attempts.get(attempt, CLEAN)
        unflagged = CLEAN if seen[attempt[0]][attempt[1]] > 0 else NOTHING
        yield _name(plan, attempt), expected, reported.get(attempt, unflagged), 1
    for generator, counts in enumerate(seen):
        unseen = np.flatnonzero(counts == 0)
        missing = [seq for seq in unseen if (generator, int(seq)) not in harmed]
        for seq in missing:
            yield _name(plan, (generator, int(seq))), CLEAN, NOTHING, 1
        for seq in np.flatnonzero(counts > 1):
            yield _name(plan, (generator, int(seq))), NOTHING, CLEAN, 1
    yield "", CLEAN, CLEAN, plan.events - len(reported.keys() | harmed)


def _not_clean(batch: pa.RecordBatch) -> dict[AttemptId, str]:
    """Return the labels of a batch's attempts, except those delivered without a flag."""
    flagged = functools.reduce(pc.or_, (batch[flag] for flag in FLAGS))
    clean = pc.and_not(pc.equal(batch["fate"], CLEAN), flagged)
    rest = batch.filter(pc.invert(pc.fill_null(clean, False)))
    return {
        (row["generator"], row["seq"]): label(
            str(row["fate"]), [flag for flag in FLAGS if row[flag]]
        )
        for row in rest.to_pylist()
    }


def _unowned(injected: Injected, fates: Path, arrivals: Path) -> Iterator[Finding]:
    """Compare every message that belongs to no attempt."""
    reported = {
        row["id"]: label(row["fate"])
        for batch in _rows(fates, ("id", "fate"), _is_phantom())
        for row in batch.to_pylist()
    }
    kinds = [MessageKind.FOREIGN.value, MessageKind.MALFORMED.value, MessageKind.GARBLED.value]
    for batch in _rows(arrivals, ("partition", "offset", "kind"), ds.field("kind").isin(kinds)):
        for row in batch.to_pylist():
            reported[f"{row['partition']}:{row['offset']}"] = label(row["kind"])
    for name in sorted(reported.keys() | injected.unowned.keys()):
        expected = injected.unowned.get(name, NOTHING)
        yield name, expected, reported.get(name, NOTHING), 1


def _rows(
    table: Path, columns: tuple[str, ...], condition: pc.Expression
) -> Iterator[pa.RecordBatch]:
    dataset = ds.dataset(table, format="parquet")
    yield from dataset.to_batches(columns=list(columns), filter=condition)


def _is_phantom() -> pc.Expression:
    return ds.field("fate") == Fate.PHANTOM.value


def _name(plan: Plan, attempt: AttemptId) -> str:
    return f"{plan.tag}.{attempt[0]}.{attempt[1]}"
