"""The exceptions: a row for each id that is not simply delivered or refused, however many."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from headcount.files import written_aside
from headcount_analysis.compare_run.classes import FLAGS, UNEXCEPTIONAL
from headcount_analysis.compare_run.reach import where
from headcount_analysis.messages.differences import Differences
from headcount_analysis.report.tables import csv

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
    "differing_fields",
    "differences",
)
"""`…_at` are UTC, ISO 8601; partition, offset and broker_at are those of the first copy. The
last two name the fields in which it is not what was asked for, if it was looked at, and in what."""

SHOWN_OF_A_KIND = 200
"""How many of a kind a page shows; the file has all."""

SORTED_UP_TO = 500_000
"""More rows than this are written in the order in which they are stored, to bound the memory."""

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
_PER_SECOND = {"ms": 1_000, "ns": 1_000_000_000}
_FIRST_S, _LAST_S = 0, 253_402_300_800
"""1970 and 10000: between these, times are written."""
_MADE = frozenset(
    {
        *("class", "flags", "where", "differing_fields", "differences"),
        *("intended_at", "sent_at", "answered_at", "broker_at"),
    }
)
"""Columns that are not of fates, but made of them."""

_NEEDED = tuple(
    name
    for name in (*COLUMNS, "fate", *FLAGS, "generator", "seq", "copies_differ")
    if name not in _MADE
)


@dataclass(frozen=True, slots=True)
class Exceptions:
    """How many there are of each kind, and the first of each, of the columns COLUMNS, as text.

    A kind is a class with its flags, as `delivered + corrupted`.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    first: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(COLUMNS)))

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(self.counts.values())


def write(fates: Path | None, target: Path, differing: Differences) -> Exceptions:
    """Write exceptions.csv from `fates.parquet`; only its header without one. Raises OSError.

    Returns:
        What a page can show of them: SHOWN_OF_A_KIND of each kind, so that none crowds out another.
    """
    counts: Counter[str] = Counter()
    first = [Exceptions().first]
    with (
        written_aside(target) as aside,
        aside.open("w", encoding="utf-8", newline="") as file,
    ):
        file.write(csv(pd.DataFrame(columns=list(COLUMNS))))
        for batch in _batches(fates) if fates is not None else ():
            rows = _rows(batch, differing)
            file.write(csv(rows, header=False))
            first.append(_first(rows, counts))
    return Exceptions(counts, pd.concat(first, ignore_index=True))


def _first(rows: pd.DataFrame, counts: Counter[str]) -> pd.DataFrame:
    """Count the rows by kind, and give those that are among the first of theirs."""
    kinds = kind(rows)
    place = rows.groupby(kinds).cumcount() + kinds.map(counts).fillna(0)
    counts.update(kinds)
    shown = rows[place < SHOWN_OF_A_KIND].astype(object)
    return shown.where(shown.notna(), "")


def kind(rows: pd.DataFrame) -> "pd.Series[str]":
    """Name the kind of each row."""
    named = rows["class"].fillna("unclassed") + " " + rows["flags"]
    return named.str.strip().str.replace(" ", " + ")


def _batches(fates: Path) -> Iterator[pa.RecordBatch]:
    """Read what is exceptional, by generator and sequence number where that fits."""
    dataset = ds.dataset(fates, format="parquet")
    exceptional = ~pc.field("fate").isin([str(fate) for fate in UNEXCEPTIONAL])
    # A class that could not be told is an exception too.
    exceptional |= pc.field("fate").is_null()
    for flag in FLAGS:
        exceptional |= pc.field(flag)
    scanner = dataset.scanner(columns=list(_NEEDED), filter=exceptional)
    if dataset.count_rows(filter=exceptional) > SORTED_UP_TO:
        yield from scanner.to_batches()
        return
    order = [("generator", "ascending"), ("seq", "ascending"), ("id", "ascending")]
    yield from scanner.to_table().sort_by(order).to_batches(max_chunksize=50_000)


def _rows(batch: pa.RecordBatch, differing: Differences) -> pd.DataFrame:
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
    known = differing.by_id
    each = [known[name].differences if name in known else () for name in frame["id"]]
    frame["differing_fields"] = ["; ".join(one.field for one in found) for found in each]
    frame["differences"] = ["; ".join(map(str, found)) for found in each]
    return frame[list(COLUMNS)]


def _iso(times: "pd.Series[int]", unit: str) -> "pd.Series[str]":
    """Write Unix times; one beyond the years that can be written becomes empty."""
    per_s = _PER_SECOND[unit]
    writable = times.where(times.between(_FIRST_S * per_s, _LAST_S * per_s - 1))
    moments = pd.to_datetime(writable, unit=unit, utc=True, errors="coerce")  # type: ignore[call-overload]
    return moments.dt.strftime("%Y-%m-%dT%H:%M:%S.%fZ")  # type: ignore[no-any-return]
