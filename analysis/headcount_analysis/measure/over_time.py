"""Over time: how many requests were due, sent, answered and published, and how long they took.

The run is cut into slices of equal width, at most about 600, from the time at which its first
request was due. Every event counts in the slice in which it happened, so that the lines of a
service that falls behind diverge; a duration counts in the slice in which its request was due.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headcount.run.outcome import Outcome
from headcount.thresholds.percentiles import bucket_at, nearest_rank
from headcount_analysis.arrow_types import Integers, equal_ranges
from headcount_analysis.measure.bin_width import BinCounts, BinWidth, added_up, count_bins
from headcount_analysis.measure.histogram import BY_PLACE, Measure, by_keys
from headcount_analysis.messages.timestamps import YEAR_MS

MOST_SLICES = 600
SHOWN_QUANTILES = (0.5, 0.95, 0.99)

_WIDTHS_S = (1, 2, 3, 5, 10, 15, 20, 30, 60)
_SHORT_RUN_S, _SHORT_WIDTH_S = 10, 0.1
_MARGIN_NS = 60_000_000_000
_NS_PER_MS = 1_000_000

RateAt = Callable[[int], float]
"""Returns the target rate, in arrivals per second, at a Unix time in ns."""


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Durations in ms, each the nearest-rank percentile."""

    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float


@dataclass(frozen=True, slots=True)
class LoadSlice:
    """What happened from `elapsed_s` on, counted; `target` is a rate, None where none was set.

    `arrived` are the events that were seen, by the time of their first copy.
    """

    elapsed_s: float
    target: float | None = None
    due: int = 0
    started: int = 0
    answered: int = 0
    acked: int = 0
    arrived: int = 0
    latency: Mapping[Measure, Percentiles] = field(default_factory=dict)


COUNTED = ("due", "started", "answered", "acked", "arrived")
"""The names of the counts, in the order of the columns."""


@dataclass(frozen=True, slots=True)
class OverTime:
    """Slices without gaps, each `width_s` wide; `first_ns` is when the first request was due."""

    width_s: float = 1.0
    first_ns: int = 0
    slices: tuple[LoadSlice, ...] = ()


@dataclass(frozen=True, slots=True)
class LoadBinning:
    """How a run is cut: slices of one width, numbered `start` to `end`."""

    grain: BinWidth
    start: int
    end: int

    @property
    def width_s(self) -> float:
        """The width of a slice in seconds."""
        return self.grain.width_ns / 1e9


@dataclass(frozen=True, slots=True)
class OverTimeCounts:
    """Counts of some attempts by name and slice, and their durations.

    `durations` are rows of `latency.COUNTED`, by the slice in which a request was due.
    """

    grain: BinWidth
    numbers: Mapping[str, BinCounts]
    durations: pa.Table


def span(
    first: Mapping[str, int], last: Mapping[str, int], seen_ms: tuple[int, int] | None
) -> LoadBinning | None:
    """Choose the slices of a run; None if no request was ever due.

    Args:
        first: The first of each of the attempts' times, in ns, by the names of their columns.
        last: The last of each.
        seen_ms: The first and last timestamp of their events, if there are any.
    """
    if "intended_at_ns" not in first:
        return None
    last_due_ns = last["intended_at_ns"]
    # Kafka has whole ms: what arrives within that of the first request is not before it.
    first_ns = first["intended_at_ns"] // _NS_PER_MS * _NS_PER_MS
    # A clock that is wrong must not stretch the axis.
    margin = last_due_ns - first_ns + _MARGIN_NS
    seen_ns = [each * _NS_PER_MS for each in seen_ms or ()]
    seen_ns = [each for each in seen_ns if abs(each - first_ns) <= YEAR_MS * _NS_PER_MS]
    earliest, latest = min(seen_ns, default=first_ns), max(seen_ns, default=0)
    start = max(first_ns - margin, min(first_ns, earliest))
    ends = (last.get("sent_at_ns", 0), last.get("answered_at_ns", 0), latest)
    end = min(last_due_ns + margin, max(last_due_ns, *ends))
    grain = BinWidth(first_ns, round(width_for((end - start) / 1e9) * 1e9))
    places = grain.place(np.array([start, end], np.int64))
    return LoadBinning(grain, int(places[0]), int(places[1]))


def counted(fates: pa.Table, grain: BinWidth, durations: pa.Table) -> OverTimeCounts:
    """Count attempts, of `reconcile.FATES`, by slice.

    `durations` are theirs, rows of `latency.COUNTED`, with the places of the same grain.
    """
    is_acked = pc.equal(fates["outcome"], Outcome.ACKED.value)
    times = {
        "due": fates["intended_at_ns"],
        "started": fates["sent_at_ns"],
        "answered": fates["answered_at_ns"],
        "acked": fates["answered_at_ns"].filter(is_acked),
        "arrived": fates["entered_at_ns"],
    }
    numbers = {name: count_bins(times[name].drop_null().to_numpy(), grain) for name in COUNTED}
    return OverTimeCounts(grain, numbers, by_keys([durations], BY_PLACE))


def due_place(fates: pa.Table, grain: BinWidth) -> Integers:
    """Number the slice in which each attempt was due; one that has no time is in the first."""
    return grain.place(fates["intended_at_ns"].fill_null(grain.first_ns).to_numpy())


def over_time(
    cut: LoadBinning | None, parts: Sequence[OverTimeCounts], rate_at: RateAt | None = None
) -> OverTime:
    """Assemble the course of a run.

    Args:
        cut: How it is cut up.
        parts: What was counted, by grains that serve the cut's.
        rate_at: How many requests a second were asked for at a Unix time in ns, if a rate was.
    """
    if cut is None:
        return OverTime()
    sums = {
        name: added_up(
            ((part.grain, part.numbers[name]) for part in parts), cut.grain, cut.start, cut.end
        )
        for name in COUNTED
    }
    latency = _latency([_coarsened(part, cut.grain) for part in parts])
    slices = (
        LoadSlice(
            elapsed_s=round(place * cut.width_s, 3),
            target=None
            if rate_at is None
            else rate_at(cut.grain.first_ns + round((place + 0.5) * cut.grain.width_ns)),
            latency=latency.get(place, {}),
            **{name: int(numbers[index]) for name, numbers in sums.items()},
        )
        for index, place in enumerate(range(cut.start, cut.end + 1))
    )
    return OverTime(cut.width_s, cut.grain.first_ns, tuple(slices))


def width_for(length_s: float) -> float:
    """Choose the width of the slices, in seconds, for a run of this length."""
    if length_s <= _SHORT_RUN_S:
        return _SHORT_WIDTH_S
    for width_s in _WIDTHS_S:
        if length_s <= width_s * MOST_SLICES:
            return width_s
    return 60 * -(-length_s // (60 * MOST_SLICES))


def common_grain(first_ns: int, length_s: float) -> BinWidth:
    """Choose the widest bins that still add up to the slices of a run that may become longer."""
    first_ns = first_ns // _NS_PER_MS * _NS_PER_MS
    if length_s <= _SHORT_RUN_S:
        return BinWidth(first_ns, round(_SHORT_WIDTH_S * 1e9))
    to_come = [each for each in _WIDTHS_S if length_s <= each * MOST_SLICES] or [60]
    return BinWidth(first_ns, math.gcd(*to_come) * 1_000_000_000)


def _coarsened(part: OverTimeCounts, grain: BinWidth) -> pa.Table:
    place = part.grain.coarsened(part.durations["place"].to_numpy().astype(np.int64), grain)
    at = part.durations.column_names.index("place")
    return part.durations.set_column(at, "place", pa.array(place, pa.int32()))


def _latency(durations: Sequence[pa.Table]) -> dict[int, dict[Measure, Percentiles]]:
    """Compute the percentiles of each slice from buckets."""
    order = [(name, "ascending") for name in ("place", "measure", "bucket")]
    rows = by_keys(durations, BY_PLACE).sort_by(order)
    place, count, most = (rows[name].to_numpy() for name in ("place", "count", "max"))
    measure = rows["measure"].combine_chunks().dictionary_encode()
    code = measure.indices.to_numpy()
    by_slice: dict[int, dict[Measure, Percentiles]] = {}
    for start, end in equal_ranges(place, code):
        name = Measure(measure.dictionary[int(code[start])].as_py())
        percentiles = _percentiles(count[start:end], most[start:end])
        by_slice.setdefault(int(place[start]), {})[name] = percentiles
    return by_slice


def _percentiles(count: Integers, most_ns: Integers) -> Percentiles:
    cumulative = np.cumsum(count).tolist()
    ranks = (nearest_rank(cumulative[-1], quantile) for quantile in SHOWN_QUANTILES)
    longest_ns = (*(most_ns[bucket_at(cumulative, rank)] for rank in ranks), most_ns.max())
    return Percentiles(*(float(duration_ns) / 1e6 for duration_ns in longest_ns))
