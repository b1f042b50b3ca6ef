"""Histograms: durations counted in buckets of a bounded relative error, for each measure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headcount_analysis.arrow_types import Integers
from headcount_analysis.event_types import known_types

_SUB_BUCKET_BITS = 10

NS_PER_MS = 1_000_000


class Measure(StrEnum):
    """A kind of duration; see the glossary."""

    HTTP = "http"
    FROM_INTENDED = "from_intended"
    END_TO_END = "end_to_end"
    FIRST_BYTE = "first_byte"
    CONNECT = "connect"
    TLS = "tls"

    @property
    def words(self) -> str:
        """Its name as shown on pages."""
        is_abbreviation = self in {Measure.HTTP, Measure.TLS}
        return self.value.upper() if is_abbreviation else self.value.replace("_", " ")


WHOLE = (Measure.HTTP, Measure.FROM_INTENDED, Measure.END_TO_END)
"""The measures of a whole request; the others are those of its phases."""


COUNTED = pa.schema(
    [
        ("event_type", pa.string()),
        ("measure", pa.string()),
        ("place", pa.int32()),
        ("bucket", pa.int64()),
        ("count", pa.int64()),
        ("min", pa.int64()),
        ("max", pa.int64()),
        ("sum", pa.float64()),
        ("unanswered", pa.int64()),
    ]
)
"""Durations in ns, counted by event type, measure, bucket and `place`: the slice of the run in
which the request was due (see `over_time.py`). `unanswered` of them belong to requests without a
response.
"""

BY_TYPE = ("event_type", "measure", "bucket")

BY_PLACE = ("place", "measure", "bucket")


@dataclass(frozen=True, slots=True)
class Bucket:
    """Durations of one event type and measure that share a bucket.

    `unanswered` of the `count` are lower bounds: these requests had no response.
    """

    event_type: str
    measure: Measure
    count: int
    min_ns: int
    max_ns: int
    sum_ns: float
    unanswered: int = 0


def counted(fates: pa.Table, event_types: Sequence[str], place: Integers | None = None) -> pa.Table:
    """Count durations by bucket.

    Args:
        fates: Rows of `reconcile.FATES`.
        event_types: The known event types; all others count as `(unknown)`.
        place: The slice of each row; 0 by default.

    Returns:
        Rows of COUNTED.
    """
    types = known_types(fates["event_type"], event_types)
    keys = {
        "event_type": types.indices,
        "place": pa.array(np.zeros(len(fates)) if place is None else place, pa.int32()),
    }
    if fates["ended_at_ns"].null_count < len(fates):
        keys["unanswered"] = fates["answered_at_ns"].is_null().cast(pa.int64())
    durations = durations_ns(fates).items()
    parts = [_of_measure(measure, values, keys, types.dictionary) for measure, values in durations]
    return by_keys(parts, COUNTED.names[:4])


def _of_measure(
    measure: Measure, values_ns: pa.ChunkedArray, keys: Mapping[str, pa.Array], types: pa.Array
) -> pa.Table:
    """Count one measure of the attempts that have it; event types are indices into `types`."""
    known = pa.table({**keys, "value": values_ns}).filter(values_ns.is_valid())
    value = known["value"].to_numpy()
    columns = {
        **{name: known[name] for name in known.column_names},
        "bucket": pa.array(bucket_number(value)),
        "value_ns": pa.array(value.astype(np.float64)),
    }
    sums = [([], "count_all"), ("value", "min"), ("value", "max"), ("value_ns", "sum")]
    by_bucket = (
        pa.table(columns)
        .group_by(["event_type", "place", "bucket"], use_threads=False)
        .aggregate([*sums, *([("unanswered", "sum")] if "unanswered" in keys else [])])
    )
    names = ("place", "bucket", "count_all", "value_min", "value_max", "value_ns_sum")
    counted = [
        types.take(by_bucket["event_type"]),
        pa.repeat(pa.scalar(measure.value), len(by_bucket)),
        *(by_bucket[name] for name in names),
        by_bucket["unanswered_sum"] if "unanswered" in keys else _zeros(len(by_bucket)),
    ]
    return pa.Table.from_arrays(counted, schema=COUNTED)


def _zeros(count: int) -> pa.Array:
    return pa.repeat(pa.scalar(0, pa.int64()), count)


def durations_ns(fates: pa.Table) -> dict[Measure, pa.ChunkedArray]:
    """Return the measures in WHOLE of every attempt in ns, null if the attempt lacks one."""
    intended, sent = fates["intended_at_ns"], fates["sent_at_ns"]
    ended = end_times_ns(fates)
    waited_ms = pc.subtract(
        pc.divide(fates["entered_at_ns"], NS_PER_MS), pc.divide(intended, NS_PER_MS)
    )
    return {
        Measure.HTTP: pc.subtract(ended, sent),
        Measure.FROM_INTENDED: pc.subtract(ended, intended),
        Measure.END_TO_END: pc.multiply(waited_ms, NS_PER_MS),
    }


def end_times_ns(fates: pa.Table) -> pa.ChunkedArray:
    """Return when each request was answered or given up, as Unix time in ns."""
    answered, ended = fates["answered_at_ns"], fates["ended_at_ns"]
    return answered if ended.null_count == len(ended) else pc.coalesce(answered, ended)


def by_keys(parts: Sequence[pa.Table], keys: Sequence[str]) -> pa.Table:
    """Add up rows of COUNTED by `keys`, a subset of its keys, and drop the other keys."""
    names = [*keys, *COUNTED.names[4:]]
    together = pa.concat_tables([part.select(names) for part in (COUNTED.empty_table(), *parts)])
    has_unanswered = bool(pc.max(together["unanswered"]).as_py())
    sums = [("count", "sum"), ("min", "min"), ("max", "max"), ("sum", "sum")]
    # Unanswered requests are rare. Without any, this column is not added up, which saves its time.
    if has_unanswered:
        sums.append(("unanswered", "sum"))
    totals = together.group_by(list(keys), use_threads=False).aggregate(sums)
    columns = [totals[name] for name in (*keys, *("_".join(aggregation) for aggregation in sums))]
    if not has_unanswered:
        columns.append(_zeros(len(totals)))
    # Chunks of a grouped table share buffers: each chunk would take all of the buffers along to the
    # driver.
    return pa.Table.from_arrays(columns, names).combine_chunks()


def distributions(parts: Sequence[pa.Table]) -> tuple[Bucket, ...]:
    """Merge counts, rows of COUNTED, into buckets."""
    rows = by_keys(parts, BY_TYPE)
    names = ("event_type", "measure", "count", "min", "max", "sum", "unanswered")
    columns = (rows[name].to_pylist() for name in names)
    return tuple(
        Bucket(event_type, Measure(measure), *numbers)
        for event_type, measure, *numbers in zip(*columns, strict=True)
    )


def bucket_number(values_ns: Integers) -> Integers:
    """Return the bucket number of each duration; a longer duration never has a smaller number."""
    size_us = np.abs(values_ns) // 1000
    # Just below a power of two, log2 may round up. Such values get a bucket of their own: harmless.
    magnitude = np.floor(np.log2(np.maximum(size_us, 1))).astype(np.int64)
    shift = np.maximum(magnitude - _SUB_BUCKET_BITS, 0)
    number = (shift << (_SUB_BUCKET_BITS + 1)) + (size_us >> shift)
    signed: Integers = np.where(values_ns < 0, -number - 1, number)
    return signed
