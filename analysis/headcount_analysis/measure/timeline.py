"""The timeline: outcomes over time, and the events that may explain them.

The run is divided into slices of equal width; the width doubles until there are few enough slices.
An attempt counts in the slice in which it was sent. Events come from marks that people set, and
from the responses: a pause in acknowledgements, the first or last response of a service process.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa
import pyarrow.compute as pc

from headcount.run.marks import Mark
from headcount.run.request_outcome import Outcome
from headcount_analysis.arrow_types import Flags
from headcount_analysis.classes_and_flags import Fate
from headcount_analysis.measure.bin_width import BinCounts, BinWidth, added_up, count_bins

FINEST_NS = 100_000_000
MOST_SLICES = 3000
PAUSE_NS = 1_000_000_000
"""The shortest pause in acknowledgements that is reported."""
MOST_SERVERS = 16
"""With more service processes than this, none are reported."""

_NS_PER_MS = 1_000_000
_CLIENT_ERRORS = (400, 499)
_COUNTED = ["sent_at_ns", "http_status", "outcome", "fate", "server"]


@dataclass(frozen=True, slots=True)
class OutcomeSlice:
    """Attempts sent in the slice from `at_ns` on; `refused` are those that failed without a 4xx.

    `acked`, `refused` and `indeterminate` are disjoint; `lost` and `duplicated` overlap with them.
    """

    at_ns: int
    acked: int = 0
    refused: int = 0
    indeterminate: int = 0
    lost: int = 0
    duplicated: int = 0

    @property
    def is_disturbed(self) -> bool:
        """Whether any attempt was refused or is indeterminate."""
        return self.refused + self.indeterminate > 0


class EventOrigin(StrEnum):
    """The source of a timeline event: a mark, or the responses."""

    MARKED = "marked"
    OBSERVED = "observed"


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """An event on the timeline.

    `recovered_after_ms` is the time until requests were acknowledged again and none was refused or
    indeterminate. It is accurate to the width of a slice, and None unless a mark disturbed
    requests. `is_recovered` is false if the next mark or the end of the run came first.
    """

    at_ns: int
    text: str
    source: EventOrigin
    recovered_after_ms: float | None = None
    is_recovered: bool = True


@dataclass(frozen=True, slots=True)
class Timeline:
    """Contiguous slices, each `width_ns` wide, and the events (`moments`) in order of time."""

    width_ns: int = FINEST_NS
    slices: tuple[OutcomeSlice, ...] = ()
    moments: tuple[TimelineEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class OutcomeBinning:
    """The slices of a run, all of one width, from the first attempt to the last."""

    first_ns: int
    last_ns: int

    @property
    def bin_width(self) -> BinWidth:
        """The width of a slice: FINEST_NS, doubled as needed; so finer bins can be added up."""
        width_ns = FINEST_NS
        while self.last_ns - self.first_ns >= width_ns * MOST_SLICES:
            width_ns *= 2
        return BinWidth(self.first_ns, width_ns)

    @property
    def slices(self) -> int:
        """The number of slices."""
        return (self.last_ns - self.first_ns) // self.bin_width.width_ns + 1


@dataclass(frozen=True, slots=True)
class TimelineCounts:
    """Counts of some attempts by outcome and slice.

    `servers` maps each service process to the send times of the first and last attempt that it
    answered.
    """

    bin_width: BinWidth
    numbers: Mapping[str, BinCounts]
    servers: Mapping[str, tuple[int, int]]


def counted(fates: pa.Table, bin_width: BinWidth) -> TimelineCounts:
    """Count attempts, rows of `reconcile.FATES`, by slice."""
    attempts = fates.select(_COUNTED).filter(fates["sent_at_ns"].is_valid())
    sent_ns = attempts["sent_at_ns"].to_numpy()
    is_bad = pc.and_(
        *(
            compare(attempts["http_status"], limit).fill_null(False)
            for compare, limit in zip(
                (pc.greater_equal, pc.less_equal), _CLIENT_ERRORS, strict=True
            )
        )
    )
    failed = pc.equal(attempts["outcome"], Outcome.FAILED.value)
    conditions = {
        "acked": pc.equal(attempts["outcome"], Outcome.ACKED.value),
        "refused": pc.and_not(failed, is_bad),
        "indeterminate": pc.equal(attempts["outcome"], Outcome.INDETERMINATE.value),
        "lost": pc.equal(attempts["fate"], Fate.LOST.value),
        "duplicated": pc.equal(attempts["fate"], Fate.DUPLICATED.value),
    }
    numbers = {
        name: count_bins(sent_ns[_flags(condition)], bin_width)
        for name, condition in conditions.items()
    }
    return TimelineCounts(bin_width, numbers, _servers(attempts))


def _flags(condition: pa.ChunkedArray) -> Flags:
    flags: Flags = condition.fill_null(False).to_numpy()
    return flags


def _servers(attempts: pa.Table) -> dict[str, tuple[int, int]]:
    named = attempts.select(["server", "sent_at_ns"]).filter(attempts["server"].is_valid())
    plain = named.set_column(0, "server", named["server"].cast(pa.string()))
    sums = [("sent_at_ns", "min"), ("sent_at_ns", "max")]
    return {
        row["server"]: (row["sent_at_ns_min"], row["sent_at_ns_max"])
        for row in plain.group_by("server", use_threads=False).aggregate(sums).to_pylist()
    }


def timeline(
    binning: OutcomeBinning | None, parts: Sequence[TimelineCounts], marks: Iterable[Mark]
) -> Timeline:
    """Assemble the timeline of a run.

    Args:
        binning: The slices to fill; None if no request was ever sent.
        parts: Counts in bins that can be added up into the slices of `binning`.
        marks: The marks of the run, in order of time.
    """
    if binning is None or not parts:
        return Timeline()
    width = binning.bin_width.width_ns
    sums = {
        name: added_up(
            ((part.bin_width, part.numbers[name]) for part in parts),
            binning.bin_width,
            0,
            binning.slices - 1,
        )
        for name in parts[0].numbers
    }
    slices = tuple(
        OutcomeSlice(
            binning.first_ns + index * width,
            **{name: int(counts[index]) for name, counts in sums.items()},
        )
        for index in range(binning.slices)
    )
    servers = _all_servers(parts)
    moments = [
        *_marked(slices, width, marks),
        *_pauses(slices, width),
        *_process_changes(binning, servers),
    ]
    in_order = tuple(sorted(moments, key=lambda moment: moment.at_ns))
    return Timeline(width, slices, in_order)


def _all_servers(parts: Sequence[TimelineCounts]) -> dict[str, tuple[int, int]]:
    servers: dict[str, tuple[int, int]] = {}
    for part in parts:
        for server, (first, last) in part.servers.items():
            known = servers.get(server, (first, last))
            servers[server] = min(first, known[0]), max(last, known[1])
    return dict(sorted(servers.items()))


def _marked(
    slices: Sequence[OutcomeSlice], width: int, marks: Iterable[Mark]
) -> Iterator[TimelineEvent]:
    """Yield each mark with the time that requests took to recover."""
    ordered = list(marks)
    for mark, following in itertools.zip_longest(ordered, ordered[1:]):
        until = slices[-1].at_ns + width if following is None else following.at_ns
        between = [
            time_slice for time_slice in slices if mark.at_ns < time_slice.at_ns + width <= until
        ]
        yield _recovery(mark, between, width)


def _recovery(mark: Mark, slices: Sequence[OutcomeSlice], width: int) -> TimelineEvent:
    disturbed = [index for index, time_slice in enumerate(slices) if time_slice.is_disturbed]
    if not disturbed:
        return TimelineEvent(mark.at_ns, mark.text, EventOrigin.MARKED)
    again = next(
        (time_slice.at_ns for time_slice in slices[disturbed[-1] + 1 :] if time_slice.acked), None
    )
    end_ns = slices[-1].at_ns + width if again is None else again
    took_ms = (end_ns - mark.at_ns) / _NS_PER_MS
    return TimelineEvent(mark.at_ns, mark.text, EventOrigin.MARKED, took_ms, again is not None)


def _pauses(slices: Sequence[OutcomeSlice], width: int) -> Iterator[TimelineEvent]:
    """Yield spans without an acknowledgement in which requests were refused or indeterminate."""
    for acked, group in itertools.groupby(slices, key=lambda part: part.acked > 0):
        span = list(group)
        length = len(span) * width
        if not acked and length >= PAUSE_NS and any(part.is_disturbed for part in span):
            text = f"no request sent in the next {length / 1e9:.1f} s was acknowledged"
            yield TimelineEvent(span[0].at_ns, text, EventOrigin.OBSERVED)


def _process_changes(
    binning: OutcomeBinning, servers: Mapping[str, tuple[int, int]]
) -> Iterator[TimelineEvent]:
    """Yield the service processes that appeared or disappeared well within the run."""
    if len(servers) > MOST_SERVERS:
        return
    for server, (first, last) in servers.items():
        if first - binning.first_ns >= PAUSE_NS:
            text = f"first response from service process {server}"
            yield TimelineEvent(first, text, EventOrigin.OBSERVED)
        if binning.last_ns - last >= PAUSE_NS:
            text = f"last response from service process {server}"
            yield TimelineEvent(last, text, EventOrigin.OBSERVED)
