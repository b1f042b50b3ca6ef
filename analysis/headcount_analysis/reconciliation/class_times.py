"""Class times: when the first and the last request of each class or flag were sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.dataset as ds

from headcount_analysis.classes_and_flags import ATTEMPT_FATES, FLAGS, UNEXCEPTIONAL, Counts

TIMED = (*(fate.value for fate in ATTEMPT_FATES if fate not in UNEXCEPTIONAL), *FLAGS)
"""The classes and flags whose times are read."""


@dataclass(frozen=True, slots=True)
class ClassTimes:
    """When the first and the last request of a class were sent, in Unix time in ns."""

    first_ns: int
    last_ns: int


def class_times(fates: Path | None, counts: Counts) -> Mapping[str, ClassTimes]:
    """Read from `fates.parquet` the send times of each class and flag of TIMED that occurs.

    If none occurs, nothing is read. Raises OSError.
    """
    values = counts.as_dict()
    names = [name for name in TIMED if values[name]]
    if fates is None or not names:
        return {}
    dataset = ds.dataset(fates, format="parquet")
    times = {name: _times(dataset, name) for name in names}
    return {name: known for name, known in times.items() if known is not None}


def _times(dataset: ds.Dataset, name: str) -> ClassTimes | None:
    condition = pc.field(name) if name in FLAGS else pc.field("fate") == name
    bounds = [
        pc.min_max(batch["sent_at_ns"]).as_py()
        for batch in dataset.to_batches(columns=["sent_at_ns"], filter=condition)
    ]
    known = [bound for bound in bounds if bound["min"] is not None]
    if not known:
        return None
    return ClassTimes(min(bound["min"] for bound in known), max(bound["max"] for bound in known))
