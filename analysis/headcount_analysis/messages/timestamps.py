"""Timestamps: which messages have a time in milliseconds, and what the others seem to have.

A producer may write any number as a message's timestamp. Kafka treats it as Unix time in
milliseconds. A number that is more than a year away from the request cannot be such a time, however
wrong the clocks are: it is in another unit, or it is not a time.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

CREATE_TIME, LOG_APPEND_TIME = 0, 1
"""Kafka's timestamp types: set by the producer, or by the broker when it appends a message."""

YEAR_MS = 366 * 24 * 3600 * 1000
NS_PER_MS = 1_000_000
_LAST_MS = np.iinfo(np.int64).max // NS_PER_MS


class Unit(StrEnum):
    """What an unusable timestamp seems to be."""

    SECONDS = "seconds"
    MICROSECONDS = "microseconds"
    NANOSECONDS = "nanoseconds"
    NONE = "none"
    ABSURD = "absurd"


_MS_PER_UNIT = {Unit.SECONDS: 1e3, Unit.MICROSECONDS: 1e-3, Unit.NANOSECONDS: 1e-6}


def in_ns(timestamp_ms: pa.Array, sent_at_ns: pa.Array) -> pa.Array:
    """Convert timestamps to ns; null unless one is in milliseconds and near its request.

    If a message has no request, its timestamp only has to be representable in ns.
    """
    age_ms = pc.abs(pc.subtract(timestamp_ms, pc.divide(sent_at_ns, NS_PER_MS)))
    is_near = pc.less_equal(age_ms, YEAR_MS)
    can_be_written = pc.less_equal(pc.abs(timestamp_ms), _LAST_MS)
    is_time = pc.and_(pc.coalesce(is_near, True), can_be_written)
    nothing = pa.scalar(None, pa.int64())
    time_ns: pa.Array = pc.if_else(is_time, pc.multiply(timestamp_ms, NS_PER_MS), nothing)
    return time_ns


def unusable(fates: pa.Table) -> Counter[Unit]:
    """Count unusable timestamps in rows of `reconcile.FATES`, by what they seem to be."""
    is_unusable = pc.and_(fates["broker_at_ms"].is_valid(), fates["entered_at_ns"].is_null())
    rows = fates.select(["broker_at_ms", "sent_at_ns"]).filter(
        pc.and_(is_unusable, fates["sent_at_ns"].is_valid())
    )
    if not len(rows):
        return Counter()
    stamp = rows["broker_at_ms"].to_numpy().astype(np.float64)
    sent_ms = rows["sent_at_ns"].to_numpy() / NS_PER_MS
    is_unit = [np.abs(stamp * factor - sent_ms) <= YEAR_MS for factor in _MS_PER_UNIT.values()]
    units = [Unit.NONE, *_MS_PER_UNIT, Unit.ABSURD]
    code = np.select([stamp <= 0, *is_unit], range(len(units) - 1), len(units) - 1)
    counts = np.bincount(code, minlength=len(units))
    return Counter({unit: int(n) for unit, n in zip(units, counts, strict=True) if n})


def added_up(parts: Iterable[Mapping[Unit, int]]) -> Counter[Unit]:
    """Add up counts."""
    sums: Counter[Unit] = Counter()
    for part in parts:
        sums.update(part)
    return sums


def describe(units: Mapping[Unit, int]) -> str:
    """Describe unusable timestamps, the most frequent first."""
    return " and ".join(_described(units))


def _described(units: Mapping[Unit, int]) -> Iterator[str]:
    for unit, count in Counter(units).most_common():
        plural = count != 1
        match unit:
            case Unit.NONE:
                yield f"{count} {'have' if plural else 'has'} no timestamp"
            case Unit.ABSURD:
                subject = "have timestamps" if plural else "has a timestamp"
                yield f"{count} {subject} far from the run"
            case _:
                subject = "timestamps that look" if plural else "a timestamp that looks"
                yield f"{count} {'have' if plural else 'has'} {subject} like {unit.value}"
