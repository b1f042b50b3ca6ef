"""The timeline: what became of the attempts over time, and what happened to the parts meanwhile.

Time is cut into slices of equal width, which doubles until there are few enough for the run.
Attempts count where they were sent. What happened is what somebody has marked, and what the answers
show by themselves: that no request was acknowledged for a while, that a process of the service
first or last answered.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa
import pyarrow.compute as pc

from headcount.run.marks import Mark
from headcount.run.outcome import Outcome
from headcount_analysis.arrow_types import Flags
from headcount_analysis.compare_run.classes import Fate
from headcount_analysis.measure.bin_width import BinCounts, BinWidth, added_up, count_bins

FINEST_NS = 100_000_000
MOST_SLICES = 3000
PAUSE_NS = 1_000_000_000
"""No acknowledgement for so long, while there were attempts, is told."""
MOST_SERVERS = 16
"""Of more processes than these none is told of."""

_NS_PER_MS = 1_000_000
_CLIENT_ERRORS = (400, 499)
_COUNTED = ["sent_at_ns", "http_status", "outcome", "fate", "server"]


@dataclass(frozen=True, slots=True)
class OutcomeSlice:
    """The attempts that were sent from `at_ns` on; `refused` are failed ones but for bad requests.

    The outcomes are disjoint; `lost` and `duplicated` are counted besides.
    """

    at_ns: int
    acked: int = 0
    refused: int = 0
    indeterminate: int = 0
    lost: int = 0
    duplicated: int = 0

    @property
    def is_disturbed(self) -> bool:
        """Whether an attempt was refused, or nobody knows what became of it."""
        return self.refused + self.indeterminate > 0


class EventOrigin(StrEnum):
    """How it is known that something happened."""

    MARKED = "marked"
    OBSERVED = "observed"


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """What happened at a time; `recovered_after_ms` of a mark is None where nothing came of it.

    It is the time until requests were acknowledged again with none refused or unanswered, to a
    slice's width; `is_recovered` is false where that did not come before the next mark or the end.
    """

    at_ns: int
    text: str
    source: EventOrigin
    recovered_after_ms: float | None = None
    is_recovered: bool = True


@dataclass(frozen=True, slots=True)
class Timeline:
    """Slices without gaps, each `width_ns` wide, and what happened meanwhile, in order."""

    width_ns: int = FINEST_NS
    slices: tuple[OutcomeSlice, ...] = ()
    moments: tuple[TimelineEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class OutcomeBinning:
    """How a run is cut up: from the first attempt to the last, in slices of a grain."""

    first_ns: int
    last_ns: int

    @property
    def grain(self) -> BinWidth:
        """How finely times are counted; that of a run which has become longer is served by it."""
        width_ns = FINEST_NS
        while self.last_ns - self.first_ns >= width_ns * MOST_SLICES:
            width_ns *= 2
        return BinWidth(self.first_ns, width_ns)

    @property
    def slices(self) -> int:
        """How many slices there are."""
        return (self.last_ns - self.first_ns) // self.grain.width_ns + 1


@dataclass(frozen=True, slots=True)
class TimelineCounts:
    """What some attempts add up to, by a grain: their numbers by outcome.

    `servers` has when the first and the last attempt was sent that a process has answered.
    """

    grain: BinWidth
    numbers: Mapping[str, BinCounts]
    servers: Mapping[str, tuple[int, int]]


def counted(fates: pa.Table, grain: BinWidth) -> TimelineCounts:
    """Count attempts, of `reconcile.FATES`, by slice."""
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
        name: count_bins(sent_ns[_flags(condition)], grain)
        for name, condition in conditions.items()
    }
    return TimelineCounts(grain, numbers, _servers(attempts))


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
    cut: OutcomeBinning | None, parts: Sequence[TimelineCounts], marks: Iterable[Mark]
) -> Timeline:
    """Put a run's timeline together.

    Args:
        cut: How it is cut up; None where no request was ever sent.
        parts: What was counted, by grains that serve the cut's.
        marks: What somebody has written down.
    """
    if cut is None or not parts:
        return Timeline()
    width = cut.grain.width_ns
    sums = {
        name: added_up(
            ((part.grain, part.numbers[name]) for part in parts), cut.grain, 0, cut.slices - 1
        )
        for name in parts[0].numbers
    }
    slices = tuple(
        OutcomeSlice(
            cut.first_ns + index * width, **{name: int(each[index]) for name, each in sums.items()}
        )
        for index in range(cut.slices)
    )
    servers = _all_servers(parts)
    moments = [*_marked(slices, width, marks), *_pauses(slices, width), *_comings(cut, servers)]
    in_order = tuple(sorted(moments, key=lambda moment: moment.at_ns))
    return Timeline(width, slices, in_order)


def _all_servers(parts: Sequence[TimelineCounts]) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for part in parts:
        for server, (first, last) in part.servers.items():
            known = found.get(server, (first, last))
            found[server] = min(first, known[0]), max(last, known[1])
    return dict(sorted(found.items()))


def _marked(
    slices: Sequence[OutcomeSlice], width: int, marks: Iterable[Mark]
) -> Iterator[TimelineEvent]:
    """Tell of each mark how long it took until all was well again."""
    ordered = list(marks)
    for mark, following in itertools.zip_longest(ordered, ordered[1:]):
        until = slices[-1].at_ns + width if following is None else following.at_ns
        between = [each for each in slices if mark.at_ns < each.at_ns + width <= until]
        yield _recovery(mark, between, width)


def _recovery(mark: Mark, slices: Sequence[OutcomeSlice], width: int) -> TimelineEvent:
    disturbed = [index for index, each in enumerate(slices) if each.is_disturbed]
    if not disturbed:
        return TimelineEvent(mark.at_ns, mark.text, EventOrigin.MARKED)
    again = next((each.at_ns for each in slices[disturbed[-1] + 1 :] if each.acked), None)
    end_ns = slices[-1].at_ns + width if again is None else again
    took_ms = (end_ns - mark.at_ns) / _NS_PER_MS
    return TimelineEvent(mark.at_ns, mark.text, EventOrigin.MARKED, took_ms, again is not None)


def _pauses(slices: Sequence[OutcomeSlice], width: int) -> Iterator[TimelineEvent]:
    """Tell of spans in which attempts were made and none was acknowledged."""
    for acked, group in itertools.groupby(slices, key=lambda each: each.acked > 0):
        span = list(group)
        length = len(span) * width
        if not acked and length >= PAUSE_NS and any(each.is_disturbed for each in span):
            text = f"nothing that was sent for {length / 1e9:.1f} s was acknowledged"
            yield TimelineEvent(span[0].at_ns, text, EventOrigin.OBSERVED)


def _comings(
    cut: OutcomeBinning, servers: Mapping[str, tuple[int, int]]
) -> Iterator[TimelineEvent]:
    """Tell which of the service's processes came or went well within the run."""
    if len(servers) > MOST_SERVERS:
        return
    for server, (first, last) in servers.items():
        if first - cut.first_ns >= PAUSE_NS:
            text = f"process {server} of the service answered first"
            yield TimelineEvent(first, text, EventOrigin.OBSERVED)
        if cut.last_ns - last >= PAUSE_NS:
            text = f"process {server} of the service answered last"
            yield TimelineEvent(last, text, EventOrigin.OBSERVED)
