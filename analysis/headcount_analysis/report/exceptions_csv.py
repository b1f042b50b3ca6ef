"""exceptions.csv: a row for each id that has a flag, or is neither delivered nor refused.

The file has all of them. `shown_exceptions.py` selects those that the page shows.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from headcount.files import written_aside
from headcount_analysis.classes_and_flags import FLAGS, UNEXCEPTIONAL
from headcount_analysis.corrupted.table import differences_of, of_events
from headcount_analysis.reconciliation.reach import where
from headcount_analysis.report.csv_tables import csv
from headcount_analysis.report.exception_kinds import kind_of, kinds_worst_first
from headcount_analysis.report.shown_exceptions import Exceptions, in_order, selected

COLUMNS = (
    "id",
    "class",
    "flags",
    "where",
    "event_type",
    "scenario_user",
    "outcome",
    "http_status",
    "error",
    "server",
    "acked_partition",
    "acked_offset",
    "copies",
    "partition",
    "offset",
    "intended_at",
    "sent_at",
    "answered_at",
    "broker_at",
    "intended_at_ns",
    "sent_at_ns",
    "answered_at_ns",
    "broker_at_ms",
    "corrupted_copies",
    "corrupted_partition",
    "corrupted_offset",
    "differing_fields",
    "difference_kinds",
    "differences",
)
"""`…_at` are UTC, ISO 8601; partition, offset and broker_at are those of the first copy. The last
six are empty unless the event is corrupted: the number of copies that differ from `event=`, where
the first of them is, the fields that differ in any of them, how these differ, and the values that
were requested and found (the values only for samples: see `corrupted/table.py`)."""

SORTED_UP_TO = 500_000
"""More rows than this are not sorted but written in storage order, to bound the memory."""

_INTEGERS = (
    "http_status",
    "acked_partition",
    "acked_offset",
    "copies",
    "partition",
    "offset",
    "intended_at_ns",
    "sent_at_ns",
    "answered_at_ns",
    "broker_at_ms",
)
_FROM_TABLE = ["corrupted_copies", "corrupted_partition", "corrupted_offset"]
_OF_CORRUPTED = (*_FROM_TABLE, "differing_fields", "difference_kinds", "differences")
_PER_SECOND = {"ms": 1_000, "ns": 1_000_000_000}
_FIRST_S, _LAST_S = 0, 253_402_300_800
"""The years 1970 and 10000; times outside this range are left empty."""
_DERIVED = frozenset(
    {
        *("class", "flags", "where", *_OF_CORRUPTED),
        *("intended_at", "sent_at", "answered_at", "broker_at"),
    }
)
"""Columns that are derived from those of fates."""

_NEEDED = tuple(
    name
    for name in (*COLUMNS, "fate", *FLAGS, "generator", "seq", "copies_differ")
    if name not in _DERIVED
)


def write(fates: Path | None, target: Path, table: Path | None = None) -> Exceptions:
    """Write exceptions.csv from `fates.parquet`; only the header if `fates` is None.

    Args:
        fates: The attempts and phantoms of the run.
        target: The file to write.
        table: The differences of corrupted events, of `corrupted.table.DIFFERENCES`, if known.

    Returns:
        Some rows of each kind for the page, so that none crowds out another. If there are more,
        they are spread evenly over generators and time.

    Raises:
        OSError: A file cannot be read or written.
    """
    counts = _counts(fates) if fates is not None else {}
    passed: Counter[str] = Counter()
    shown = [pd.DataFrame(columns=list(COLUMNS))]
    with (
        written_aside(target) as aside,
        aside.open("w", encoding="utf-8", newline="") as file,
    ):
        file.write(csv(pd.DataFrame(columns=list(COLUMNS))))
        for batch in _batches(fates, sum(counts.values())) if fates is not None else ():
            rows = _rows(batch, table)
            file.write(csv(rows, header=False))
            shown.append(selected(rows, counts, passed))
    return Exceptions(counts, in_order(pd.concat(shown, ignore_index=True), counts))


def _exceptional() -> pc.Expression:
    """Return the condition for an exception, on a row of fates; a row without a class is one."""
    condition = ~pc.field("fate").isin([str(fate) for fate in UNEXCEPTIONAL])
    condition |= pc.field("fate").is_null()
    for flag in FLAGS:
        condition |= pc.field(flag)
    return condition


def _counts(fates: Path) -> dict[str, int]:
    """Count the exceptions of each kind, worst first."""
    counts = Counter[str]()
    columns = ["fate", *FLAGS]
    dataset = ds.dataset(fates, format="parquet")
    for batch in dataset.to_batches(columns=columns, filter=_exceptional()):
        groups = pa.Table.from_batches([batch]).group_by(columns, use_threads=False)
        for row in groups.aggregate([([], "count_all")]).to_pylist():
            flags = " ".join(flag for flag in FLAGS if row[flag])
            counts[kind_of(row["fate"], flags)] += row["count_all"]
    return {name: counts[name] for name in kinds_worst_first(counts)}


def _batches(fates: Path, count: int) -> Iterator[pa.RecordBatch]:
    """Read the exceptional fates, sorted by generator and sequence number if memory allows."""
    scanner = ds.dataset(fates, format="parquet").scanner(
        columns=list(_NEEDED), filter=_exceptional()
    )
    if count > SORTED_UP_TO:
        yield from scanner.to_batches()
        return
    order = [("generator", "ascending"), ("seq", "ascending"), ("id", "ascending")]
    yield from scanner.to_table().sort_by(order).to_batches(max_chunksize=50_000)


def _rows(batch: pa.RecordBatch, table: Path | None) -> pd.DataFrame:
    frame: pd.DataFrame = batch.to_pandas(integer_object_nulls=True)
    frame["class"] = frame["fate"]
    frame["where"] = where(frame)
    frame["flags"] = ""
    for flag in FLAGS:
        frame.loc[frame[flag].astype(bool), "flags"] += f" {flag}"
    frame["flags"] = frame["flags"].str.strip()
    for name in _INTEGERS:
        frame[name] = frame[name].astype("Int64")
    for name in ("intended_at", "sent_at", "answered_at"):
        frame[name] = _iso(frame[f"{name}_ns"], "ns")
    frame["broker_at"] = _iso(frame["broker_at_ms"], "ms")
    return frame.join(_of_corrupted(batch, table))[list(COLUMNS)]


def _of_corrupted(batch: pa.RecordBatch, table: Path | None) -> pd.DataFrame:
    """Return the columns _OF_CORRUPTED of corrupted events, indexed by their rows in `batch`."""
    place = np.flatnonzero(batch["corrupted"].fill_null(False).to_numpy(zero_copy_only=False))
    if table is None or not len(place):
        return pd.DataFrame(columns=list(_OF_CORRUPTED))
    corrupted = batch.take(pa.array(place))
    rows = of_events(table, corrupted["generator"], corrupted["seq"])
    frame: pd.DataFrame = rows.select(_FROM_TABLE).to_pandas()
    frame = frame.astype(dict.fromkeys(_FROM_TABLE, "Int64"))
    frame["differing_fields"] = pc.binary_join(rows["fields"], "; ").to_pandas()
    frame["difference_kinds"] = pc.binary_join(rows["kinds"], "; ").to_pandas()
    frame["differences"] = _with_values(rows)
    return frame.set_index(place[rows["row"].to_numpy()])


def _with_values(rows: pa.Table) -> list[str]:
    """Format the differences of samples; empty for all other events."""
    has_values = rows["asked"].is_valid()
    samples = rows.filter(has_values).to_pylist()
    texts = iter(["; ".join(map(str, differences_of(sample))) for sample in samples])
    return [next(texts) if has else "" for has in has_values.to_pylist()]


def _iso(times: "pd.Series[int]", unit: str) -> "pd.Series[str]":
    """Format Unix times; those before 1970 or after 9999 become empty."""
    per_s = _PER_SECOND[unit]
    writable = times.where(times.between(_FIRST_S * per_s, _LAST_S * per_s - 1))
    in_utc = pd.to_datetime(writable, unit=unit, utc=True, errors="coerce")  # type: ignore[call-overload]
    return in_utc.dt.strftime("%Y-%m-%dT%H:%M:%S.%fZ")  # type: ignore[no-any-return]
