"""Populations: the attempts that the exceptions of a class are compared with, counted by value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from headcount.run.request_outcome import Outcome
from headcount_analysis.arrow_types import Integers
from headcount_analysis.classes_and_flags import FLAGS, Fate


class Population(Enum):
    """The attempts that could have had a class or a flag; each value is their name on a page."""

    ACKED = "acknowledged requests"
    SEEN = "events in the topic"
    SENT = "requests"

    @property
    def condition(self) -> pc.Expression:
        """The condition on a row of fates."""
        is_sent = pc.field("sent_at_ns").is_valid()
        if self is Population.ACKED:
            return is_sent & (pc.field("outcome") == Outcome.ACKED.value)
        return is_sent & (pc.field("copies") > 0) if self is Population.SEEN else is_sent


def population_of(name: str) -> Population:
    """Return the population of a class or flag, such as acknowledged requests for `lost`."""
    if name == Fate.LOST:
        return Population.ACKED
    return Population.SEEN if name in {*FLAGS, Fate.DUPLICATED, Fate.GHOST} else Population.SENT


@dataclass(frozen=True, slots=True)
class ValueCounts:
    """How many attempts have each value of a column; those without a value are not counted."""

    by_value: Mapping[object, Mapping[Population, int]] = field(default_factory=dict)

    def count(self, value: object, population: Population) -> int:
        """Return how many of the population have the value."""
        return self.by_value.get(value, {}).get(population, 0)

    def total(self, population: Population) -> int:
        """Return how many of the population have any value."""
        return sum(counts[population] for counts in self.by_value.values())

    def distinct(self, population: Population) -> int:
        """Return how many values occur in the population."""
        return sum(counts[population] > 0 for counts in self.by_value.values())


@dataclass(frozen=True, slots=True)
class RunValues:
    """The values of a run's columns, and how long it sent requests."""

    columns: Mapping[str, ValueCounts]
    span_ns: int


def run_values(dataset: ds.Dataset, columns: Sequence[str]) -> RunValues:
    """Count the values of columns with few distinct values, in one pass over the fates.

    Args:
        dataset: Fates, with the schema `reconcile.FATES`.
        columns: The names of the columns to count.

    Raises:
        OSError: A file cannot be read.
    """
    counts: dict[str, dict[object, Integers]] = {name: {} for name in columns}
    bounds_ns: list[int] = []
    read = [*columns, "outcome", "copies", "sent_at_ns"]
    for batch in dataset.to_batches(columns=read):
        members = _members(batch)
        for name, known in counts.items():
            _add(known, batch[name], members)
        bounds_ns += [
            time_ns for time_ns in pc.min_max(batch["sent_at_ns"]).as_py().values() if time_ns
        ]
    span_ns = max(bounds_ns, default=0) - min(bounds_ns, default=0)
    by_column = {name: ValueCounts(_by_population(known)) for name, known in counts.items()}
    return RunValues(by_column, span_ns)


def _members(batch: pa.RecordBatch) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Mark the rows of each population, in the order of Population."""
    is_sent = batch["sent_at_ns"].is_valid().to_numpy(zero_copy_only=False)
    is_acked = pc.equal(batch["outcome"], Outcome.ACKED.value).fill_null(False)
    is_seen = batch["copies"].to_numpy() > 0
    return np.stack([is_sent & is_acked.to_numpy(zero_copy_only=False), is_sent & is_seen, is_sent])


def _add(
    known: dict[object, Integers],
    column: pa.Array,
    members: np.ndarray[tuple[int, int], np.dtype[np.bool_]],
) -> None:
    """Add the counts of a batch."""
    encoded = column.dictionary_encode()
    values = encoded.dictionary.to_pylist()
    places = encoded.indices.fill_null(len(values)).to_numpy(zero_copy_only=False)
    more = [np.bincount(places[member], minlength=len(values) + 1) for member in members]
    for value, counts in zip(values, np.transpose(more), strict=False):
        known[value] = known[value] + counts if value in known else counts


def _by_population(known: Mapping[object, Integers]) -> dict[object, dict[Population, int]]:
    return {
        value: dict(zip(Population, counts.tolist(), strict=True))
        for value, counts in known.items()
    }
