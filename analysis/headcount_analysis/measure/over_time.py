"""Over time: how many requests were due, sent, answered and published, and how long they took.

The run is divided into at most about 600 slices of equal width; slice 0 begins when the first
request was due. Sending, answering and publishing each count in the slice in which they happened,
so the lines diverge if a service falls behind. A duration counts in the slice in which its request
was due.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headcount.run.outcome import Outcome
from headcount.thresholds.nearest_rank import bucket_at, nearest_rank
from headcount.thresholds.percentiles import FEW_QUANTILES
from headcount_analysis.arrow_types import Integers, equal_ranges
from headcount_analysis.measure.bin_width import BinCounts, BinWidth, added_up, count_bins
from headcount_analysis.measure.histogram import BY_PLACE, Measure, by_keys
from headcount_analysis.messages.timestamps import YEAR_MS

MOST_SLICES = 600

_WIDTHS_S = (1, 2, 3, 5, 10, 15, 20, 30, 60)
_SHORT_RUN_S, _SHORT_WIDTH_S = 10, 0.1
_MARGIN_NS = 60_000_000_000
_NS_PER_MS = 1_000_000

RateAt = Callable[[int], float]
"""Returns the target rate, in arrivals per second, at a Unix time in ns."""


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Nearest-rank percentiles of durations, those of FEW_QUANTILES, and the maximum, in ms."""

    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float


@dataclass(frozen=True, slots=True)
class LoadSlice:
    """Counts of the slice that begins at `elapsed_s`; `target` is a rate, None if none was set.

    `arrived` counts the events seen in the topic, by the time of their first copy.
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
    """Contiguous slices, each `width_s` wide; `first_ns` is when the first request was due."""

    width_s: float = 1.0
    first_ns: int = 0
    slices: tuple[LoadSlice, ...] = ()


@dataclass(frozen=True, slots=True)
class LoadBinning:
    """The slices of a run: all of one width, numbered `start` to `end`."""

    bin_width: BinWidth
    start: int
    end: int

    @property
    def width_s(self) -> float:
        """The width of a slice in seconds."""
        return self.bin_width.width_ns / 1e9


@dataclass(frozen=True, slots=True)
class OverTimeCounts:
    """Counts of some attempts by name and slice, and their durations.

    `durations` are rows of `histogram.COUNTED`, by the slice in which a request was due.
    """

    bin_width: BinWidth
    numbers: Mapping[str, BinCounts]
    durations: pa.Table


def span(
    first: Mapping[str, int], last: Mapping[str, int], seen_ms: tuple[int, int] | None
) -> LoadBinning | None:
    """Choose the slices of a run; None if no request was ever due.

    Args:
        first: The earliest time in each time column of the attempts, in ns, by column name.
        last: The latest time in each.
        seen_ms: The first and last timestamp of the events seen, in ms; None if none were seen.
    """
    if "intended_at_ns" not in first:
        return None
    last_due_ns = last["intended_at_ns"]
    # Kafka truncates to whole ms: an event of the same ms as the first request is not before it.
    first_ns = first["intended_at_ns"] // _NS_PER_MS * _NS_PER_MS
    # A wrong clock must not stretch the axis.
    margin = last_due_ns - first_ns + _MARGIN_NS
    seen_ns = [each * _NS_PER_MS for each in seen_ms or ()]
    seen_ns = [each for each in seen_ns if abs(each - first_ns) <= YEAR_MS * _NS_PER_MS]
    earliest, latest = min(seen_ns, default=first_ns), max(seen_ns, default=0)
    start = max(first_ns - margin, min(first_ns, earliest))
    ends = (last.get("sent_at_ns", 0), last.get("answered_at_ns", 0), latest)
    end = min(last_due_ns + margin, max(last_due_ns, *ends))
    bin_width = BinWidth(first_ns, round(width_for((end - start) / 1e9) * 1e9))
    places = bin_width.place(np.array([start, end], np.int64))
    return LoadBinning(bin_width, int(places[0]), int(places[1]))


def counted(fates: pa.Table, bin_width: BinWidth, durations: pa.Table) -> OverTimeCounts:
    """Count attempts, rows of `reconcile.FATES`, by slice.

    `durations` are their durations, rows of `histogram.COUNTED`, placed by the same `bin_width`.
    """
    is_acked = pc.equal(fates["outcome"], Outcome.ACKED.value)
    times = {
        "due": fates["intended_at_ns"],
        "started": fates["sent_at_ns"],
        "answered": fates["answered_at_ns"],
        "acked": fates["answered_at_ns"].filter(is_acked),
        "arrived": fates["entered_at_ns"],
    }
    numbers = {name: count_bins(times[name].drop_null().to_numpy(), bin_width) for name in COUNTED}
    return OverTimeCounts(bin_width, numbers, by_keys([durations], BY_PLACE))


def due_place(fates: pa.Table, bin_width: BinWidth) -> Integers:
    """Return the slice in which each attempt was due; 0 for an attempt without a time."""
    return bin_width.place(fates["intended_at_ns"].fill_null(bin_width.first_ns).to_numpy())


def over_time(
    binning: LoadBinning | None, parts: Sequence[OverTimeCounts], rate_at: RateAt | None = None
) -> OverTime:
    """Assemble the slices of a run.

    Args:
        binning: The slices to fill; None if no request was ever due.
        parts: Counts with bin widths that add up to the binning's.
        rate_at: The target rate; None if none was set.
    """
    if binning is None:
        return OverTime()
    sums = {
        name: added_up(
            ((part.bin_width, part.numbers[name]) for part in parts),
            binning.bin_width,
            binning.start,
            binning.end,
        )
        for name in COUNTED
    }
    latency = _latency([_coarsened(part, binning.bin_width) for part in parts])
    slices = (
        LoadSlice(
            elapsed_s=round(place * binning.width_s, 3),
            target=None
            if rate_at is None
            else rate_at(
                binning.bin_width.first_ns + round((place + 0.5) * binning.bin_width.width_ns)
            ),
            latency=latency.get(place, {}),
            **{name: int(numbers[index]) for name, numbers in sums.items()},
        )
        for index, place in enumerate(range(binning.start, binning.end + 1))
    )
    return OverTime(binning.width_s, binning.bin_width.first_ns, tuple(slices))


def width_for(length_s: float) -> float:
    """Choose the width of the slices, in seconds, for a run of this length."""
    if length_s <= _SHORT_RUN_S:
        return _SHORT_WIDTH_S
    for width_s in _WIDTHS_S:
        if length_s <= width_s * MOST_SLICES:
            return width_s
    return 60 * -(-length_s // (60 * MOST_SLICES))


def common_bin_width(first_ns: int, length_s: float) -> BinWidth:
    """Choose the widest bins that can still be added up if the run, and its slices, get longer."""
    first_ns = first_ns // _NS_PER_MS * _NS_PER_MS
    if length_s <= _SHORT_RUN_S:
        return BinWidth(first_ns, round(_SHORT_WIDTH_S * 1e9))
    later_widths_s = [each for each in _WIDTHS_S if length_s <= each * MOST_SLICES] or [60]
    return BinWidth(first_ns, math.gcd(*later_widths_s) * 1_000_000_000)


def _coarsened(part: OverTimeCounts, bin_width: BinWidth) -> pa.Table:
    place = part.bin_width.coarsened(part.durations["place"].to_numpy().astype(np.int64), bin_width)
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
    ranks = (nearest_rank(cumulative[-1], quantile) for quantile in FEW_QUANTILES)
    longest_ns = (*(most_ns[bucket_at(cumulative, rank)] for rank in ranks), most_ns.max())
    return Percentiles(*(float(duration_ns) / 1e6 for duration_ns in longest_ns))
