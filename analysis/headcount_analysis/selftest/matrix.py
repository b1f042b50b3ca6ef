"""The matrix: what was injected beside what was reported, for every attempt and every message.

It is read from the tables that a verification leaves, `fates.parquet` and `arrivals.parquet`, and
not from its sums: an id that is reported as another one's class is off the diagonal, though the
sums come out.
"""

import functools
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from headcount_analysis.compare_run.classes import FLAGS, Fate
from headcount_analysis.messages.kinds import MessageKind
from headcount_analysis.selftest.faults import CLEAN, label
from headcount_analysis.selftest.plan import GENERATORS, Place, Plan

NOTHING = "(nothing)"
"""Reported and never injected, or injected and never reported."""

SAMPLES = 5


@dataclass(frozen=True, slots=True)
class Injected:
    """What a run was harmed with: labels of attempts by place, and of strangers by their name."""

    plan: Plan
    attempts: Mapping[Place, str]
    strangers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Matrix:
    """How often what was injected was reported as what: `cells` by (injected, reported).

    `samples` names a few of those off the diagonal.
    """

    cells: Mapping[tuple[str, str], int]
    samples: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """Every label, clean first and nothing last."""
        found = {name for pair in self.cells for name in pair}
        return tuple(sorted(found, key=lambda name: (name == NOTHING, name != CLEAN, name)))

    @property
    def is_diagonal(self) -> bool:
        """Whether everything was reported as what it was."""
        return all(injected == reported for injected, reported in self.cells)

    def __add__(self, other: "Matrix") -> "Matrix":
        """Add up two matrices, cell by cell."""
        cells = Counter(self.cells)
        cells.update(other.cells)
        return Matrix(cells, (*self.samples, *other.samples)[:SAMPLES])


def read_matrix(injected: Injected, fates: Path, arrivals: Path) -> Matrix:
    """Set what was injected beside what a verification left. Raises OSError."""
    cells: Counter[tuple[str, str]] = Counter()
    samples: list[str] = []
    for name, expected, reported, count in (
        *_attempts(injected, fates),
        *_strangers(injected, fates, arrivals),
    ):
        cells[expected, reported] += count
        if expected != reported and len(samples) < SAMPLES:
            samples.append(f"{name}: injected {expected}, reported {reported}")
    return Matrix(cells, tuple(samples))


Finding = tuple[str, str, str, int]
"""Whose it is, injected, reported, and how many of the same."""


def _attempts(injected: Injected, fates: Path) -> Iterator[Finding]:
    """Compare attempt by attempt: the harmed ones by name, the clean ones in numbers."""
    plan = injected.plan
    seen = [np.zeros(plan.attempted(number), dtype=np.int32) for number in range(GENERATORS)]
    reported: dict[Place, str] = {}
    for batch in _rows(fates, ("generator", "seq", "fate", *FLAGS), ~_is_phantom()):
        for generator in range(GENERATORS):
            mine = batch.filter(pc.equal(batch["generator"], generator))
            np.add.at(seen[generator], mine["seq"].to_numpy(), 1)
        reported |= _unclean(batch)
    harmed = injected.attempts.keys()
    for place in sorted(reported.keys() | harmed):
        expected = injected.attempts.get(place, CLEAN)
        is_there = seen[place[0]][place[1]] > 0
        yield _name(plan, place), expected, reported.get(place, CLEAN if is_there else NOTHING), 1
    for generator, rows in enumerate(seen):
        missing = [seq for seq in np.flatnonzero(rows == 0) if (generator, int(seq)) not in harmed]
        for seq in missing:
            yield _name(plan, (generator, int(seq))), CLEAN, NOTHING, 1
        for seq in np.flatnonzero(rows > 1):
            yield _name(plan, (generator, int(seq))), NOTHING, CLEAN, 1
    yield "", CLEAN, CLEAN, plan.events - len(reported.keys() | harmed)


def _unclean(batch: pa.RecordBatch) -> dict[Place, str]:
    """Give the labels of a batch's attempts that are not simply delivered."""
    flagged = functools.reduce(pc.or_, (batch[flag] for flag in FLAGS))
    clean = pc.and_not(pc.equal(batch["fate"], CLEAN), flagged)
    rest = batch.filter(pc.invert(pc.fill_null(clean, False)))
    return {
        (row["generator"], row["seq"]): label(
            str(row["fate"]), [flag for flag in FLAGS if row[flag]]
        )
        for row in rest.to_pylist()
    }


def _strangers(injected: Injected, fates: Path, arrivals: Path) -> Iterator[Finding]:
    """Compare message by message what belongs to no attempt."""
    reported = {
        row["id"]: label(row["fate"])
        for batch in _rows(fates, ("id", "fate"), _is_phantom())
        for row in batch.to_pylist()
    }
    kinds = [MessageKind.FOREIGN.value, MessageKind.MALFORMED.value, MessageKind.GARBLED.value]
    for batch in _rows(arrivals, ("partition", "offset", "kind"), ds.field("kind").isin(kinds)):
        for row in batch.to_pylist():
            reported[f"{row['partition']}:{row['offset']}"] = label(row["kind"])
    for name in sorted(reported.keys() | injected.strangers.keys()):
        expected = injected.strangers.get(name, NOTHING)
        yield name, expected, reported.get(name, NOTHING), 1


def _rows(
    table: Path, columns: tuple[str, ...], condition: pc.Expression
) -> Iterator[pa.RecordBatch]:
    dataset = ds.dataset(table, format="parquet")
    yield from dataset.to_batches(columns=list(columns), filter=condition)


def _is_phantom() -> pc.Expression:
    return ds.field("fate") == Fate.PHANTOM.value


def _name(plan: Plan, place: Place) -> str:
    return f"{plan.tag}.{place[0]}.{place[1]}"
