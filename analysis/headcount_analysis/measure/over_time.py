"""Over time: how many requests were due, sent, answered and published, and how long they took.

The run is divided into slices of 1 s, or wider ones if it is longer than an hour; slice 0 begins
when the first request was due. Sending, answering and publishing each count in the slice in which
they happened, so the lines diverge if a service falls behind. The outcome and the class of a
request count in the slice in which it was sent; its duration counts in the slice in which it was
due.
"""

import bisect
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headcount.run.request_outcome import Outcome
from headcount_analysis.arrow_types import Integers
from headcount_analysis.classes_and_flags import Fate
from headcount_analysis.measure.bin_width import BinCounts, BinWidth, added_up, count_bins
from headcount_analysis.measure.histogram import BY_PLACE, Measure, by_keys, end_times_ns
from headcount_analysis.measure.latency_over_time import LatencySlice, latency_slices
from headcount_analysis.messages.timestamps import YEAR_MS

MOST_SLICES = 3600

_WIDTHS_S = (1, 2, 3, 5, 10, 15, 20, 30, 60)
_CLASSES = (Fate.LOST, Fate.DUPLICATED, Fate.GHOST)
_MARGIN_NS = 60_000_000_000
_NS_PER_MS = 1_000_000

RateAt = Callable[[int], float]
"""Returns the target rate, in arrivals per second, at a Unix time in ns."""


@dataclass(frozen=True, slots=True)
class LoadSlice:
    """Counts of the slice that begins at `elapsed_s`; `target` is a rate, None if none was set.

    `arrived` counts the events seen in the topic, by the time of their first copy; `ended` counts
    requests that were answered or given up. `failed` and the fields after it count requests by when
    they were sent; a request may be in several of these counts.
    """

    elapsed_s: float
    target: float | None = None
    due: int = 0
    started: int = 0
    answered: int = 0
    acked: int = 0
    arrived: int = 0
    ended: int = 0
    failed: int = 0
    indeterminate: int = 0
    lost: int = 0
    corrupted: int = 0
    duplicated: int = 0
    ghost: int = 0


OUTCOMES = ("failed", "indeterminate")
EXCEPTIONS = ("lost", "corrupted", "duplicated", "ghost")
"""What may be wrong with the events of requests, worst first."""

COUNTED = ("due", "started", "answered", "acked", "arrived", "ended", *OUTCOMES, *EXCEPTIONS)
"""The names of the counts, in the order of the columns."""


@dataclass(frozen=True, slots=True)
class OverTime:
    """Contiguous slices, each `width_s` wide; `first_ns` is when the first request was due.

    `latency` has the durations of each measure, in slices that are wide enough for percentiles.
    """

    width_s: float = 1.0
    first_ns: int = 0
    slices: tuple[LoadSlice, ...] = ()
    latency: Mapping[Measure, tuple[LatencySlice, ...]] = field(default_factory=dict)

    def latency_at(self, measure: Measure, elapsed_s: float) -> LatencySlice | None:
        """Return the durations of the requests that were due at about this time."""
        slices = self.latency.get(measure, ())
        place = bisect.bisect_right(slices, elapsed_s, key=_starts_at) - 1
        if place < 0 or elapsed_s >= slices[place].elapsed_s + slices[place].width_s:
            return None
        return slices[place]

    @property
    def in_flight(self) -> tuple[int, ...]:
        """How many requests were in flight at the end of each slice."""
        return tuple(
            itertools.accumulate(
                time_slice.started - time_slice.ended for time_slice in self.slices
            )
        )


def _starts_at(part: LatencySlice) -> float:
    return part.elapsed_s


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
    # Truncated to whole ms, as Kafka truncates timestamps: an event in the ms of the first request
    # must not seem to come before it.
    first_ns = first["intended_at_ns"] // _NS_PER_MS * _NS_PER_MS
    # A wrong clock must not stretch the axis.
    margin = last_due_ns - first_ns + _MARGIN_NS
    seen_ns = [time_ms * _NS_PER_MS for time_ms in seen_ms or ()]
    seen_ns = [time_ns for time_ns in seen_ns if abs(time_ns - first_ns) <= YEAR_MS * _NS_PER_MS]
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
        "ended": end_times_ns(fates),
        **{name: fates["sent_at_ns"].filter(rows) for name, rows in _selected(fates).items()},
    }
    numbers = {name: count_bins(times[name].drop_null().to_numpy(), bin_width) for name in COUNTED}
    return OverTimeCounts(bin_width, numbers, by_keys([durations], BY_PLACE))


def _selected(fates: pa.Table) -> dict[str, pa.ChunkedArray]:
    """Select the requests of each outcome and class that is counted by the time of sending."""
    return {
        **{name: pc.equal(fates["outcome"], Outcome(name).value) for name in OUTCOMES},
        **{fate.value: pc.equal(fates["fate"], fate.value) for fate in _CLASSES},
        "corrupted": fates["corrupted"],
    }


def due_place(fates: pa.Table, bin_width: BinWidth) -> Integers:
    """Return the slice in which each attempt was due; 0 for an attempt without a time."""
    return bin_width.place(fates["intended_at_ns"].fill_null(bin_width.first_ns).to_numpy())


def over_time(
    binning: LoadBinning | None, parts: Sequence[OverTimeCounts], rate_at: RateAt | None = None
) -> OverTime:
    """Assemble the slices of a run.

    Args:
        binning: The slices to fill; None if no request was ever due.
        parts: Counts in bins that can be added up into the slices of `binning`.
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
    durations = by_keys([_coarsened(part, binning.bin_width) for part in parts], BY_PLACE)
    slices = (
        LoadSlice(
            elapsed_s=round(place * binning.width_s, 3),
            target=None
            if rate_at is None
            else rate_at(
                binning.bin_width.first_ns + round((place + 0.5) * binning.bin_width.width_ns)
            ),
            **{name: int(numbers[index]) for name, numbers in sums.items()},
        )
        for index, place in enumerate(range(binning.start, binning.end + 1))
    )
    return OverTime(
        binning.width_s,
        binning.bin_width.first_ns,
        tuple(slices),
        latency_slices(durations, binning.width_s, binning.end - binning.start + 1),
    )


def width_for(length_s: float) -> float:
    """Choose the width of the slices, in seconds, for a run of this length."""
    for width_s in _WIDTHS_S:
        if length_s <= width_s * MOST_SLICES:
            return width_s
    return 60 * -(-length_s // (60 * MOST_SLICES))


def common_bin_width(first_ns: int, length_s: float) -> BinWidth:
    """Choose the widest bins that can still be added up if the run, and its slices, get longer."""
    first_ns = first_ns // _NS_PER_MS * _NS_PER_MS
    later_widths_s = [width_s for width_s in _WIDTHS_S if length_s <= width_s * MOST_SLICES] or [60]
    return BinWidth(first_ns, math.gcd(*later_widths_s) * 1_000_000_000)


def _coarsened(part: OverTimeCounts, bin_width: BinWidth) -> pa.Table:
    place = part.bin_width.coarsened(part.durations["place"].to_numpy().astype(np.int64), bin_width)
    at = part.durations.column_names.index("place")
    return part.durations.set_column(at, "place", pa.array(place, pa.int32()))
