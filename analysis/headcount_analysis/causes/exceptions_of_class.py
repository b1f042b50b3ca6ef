"""The exceptions of one class or flag, as patterns need them: values, times and offsets."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from headcount_analysis.arrow_types import Integers
from headcount_analysis.classes_and_flags import FLAGS

MOST = 1_000_000
"""With more exceptions, times are taken from every second one, or every third, and so on."""

_PLACES = pa.schema([("acked_partition", pa.int64()), ("acked_offset", pa.int64())])
_NUMBERS = ["sent_at_ns", *_PLACES.names]


@dataclass(frozen=True, slots=True)
class ExceptionsOfClass:
    """The exceptions of a class: how many have each value of a column, and some or all times.

    `sent_at_ns` has the times of one in `every` exceptions, and of the first and the last; sorted.
    `partitions` and `offsets` are those of acknowledgements, known only if `every` is 1.
    """

    name: str
    total: int = 0
    every: int = 1
    values: Mapping[str, Counter[object]] = field(default_factory=dict)
    sent_at_ns: Integers = field(default_factory=lambda: np.empty(0, np.int64))
    partitions: Integers = field(default_factory=lambda: np.empty(0, np.int64))
    offsets: Integers = field(default_factory=lambda: np.empty(0, np.int64))

    @property
    def condition(self) -> pc.Expression:
        """The condition on a row of fates."""
        return condition_of(self.name)

    def most_frequent(self, column: str) -> tuple[object, int, int]:
        """Return the most frequent value, how many have it, and how many have any value."""
        counts = self.values.get(column) or Counter()
        known = counts.total()
        value, count = counts.most_common(1)[0] if counts else (None, 0)
        return value, count, known


def condition_of(name: str) -> pc.Expression:
    """Return the condition on a row of fates for a class or a flag."""
    return pc.field(name) if name in FLAGS else pc.field("fate") == name


def read_class(
    dataset: ds.Dataset, name: str, total: int, columns: Sequence[str]
) -> ExceptionsOfClass:
    """Read the exceptions of a class from fates; there are `total` of them. Raises OSError."""
    condition = condition_of(name)
    every = -(-total // MOST)
    values: dict[str, Counter[object]] = {column: Counter() for column in columns}
    times, places = [], []
    read = list(dict.fromkeys([*columns, *_NUMBERS]))
    for batch in dataset.to_batches(columns=read, filter=condition):
        for column, counts in values.items():
            counts.update(dict(_counted(batch[column])))
        times.append(_sampled(np.sort(_integers(batch["sent_at_ns"])), every))
        if every == 1:
            places.append(batch.select(_PLACES.names))
    known = pa.Table.from_batches(places).drop_null() if places else _PLACES.empty_table()
    sent_at_ns = np.sort(np.concatenate(times))
    return ExceptionsOfClass(name, total, every, values, sent_at_ns, *map(_integers, known.columns))


def _sampled(times: Integers, every: int) -> Integers:
    """Take one time in `every`; the first and the last are always among them."""
    return times if every == 1 else np.r_[times[::every], times[-1:]]


def _counted(column: pa.Array) -> Iterator[tuple[object, int]]:
    for counted in pc.value_counts(column.drop_null()).to_pylist():
        yield counted["values"], counted["counts"]


def _integers(column: pa.Array | pa.ChunkedArray) -> Integers:
    integers: Integers = column.drop_null().cast(pa.int64()).to_numpy()
    return integers
