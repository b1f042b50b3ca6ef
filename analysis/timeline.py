"""The timeline: what became of the attempts over time, and what happened to the parts meanwhile.

Time is cut into slices of equal width, few enough for any run. Attempts count where they were
sent. What happened is what somebody has marked, and what the answers show by themselves: that no
request was acknowledged for a while, that a process of the service first or last answered.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F  # noqa: N812 - Spark's own convention

from analysis.classes import Fate
from headcount.marks import Mark
from headcount.outcome import Outcome

FINEST_NS = 100_000_000
MOST_SLICES = 3000
PAUSE_NS = 1_000_000_000
"""No acknowledgement for so long, while there were attempts, is told."""
MOST_SERVERS = 16
"""Of more processes than these none is told of."""

_NS_PER_MS = 1_000_000
_CLIENT_ERRORS = (400, 499)


@dataclass(frozen=True, slots=True)
class Slice:
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


class Source(StrEnum):
    """How it is known that something happened."""

    MARKED = "marked"
    OBSERVED = "observed"


@dataclass(frozen=True, slots=True)
class Moment:
    """What happened at a time; `recovered_after_ms` of a mark is None where nothing came of it.

    It is the time until requests were acknowledged again with none refused or unanswered, to a
    slice's width; `is_recovered` is false where that did not come before the next mark or the end.
    """

    at_ns: int
    text: str
    source: Source
    recovered_after_ms: float | None = None
    is_recovered: bool = True


@dataclass(frozen=True, slots=True)
class Timeline:
    """Slices without gaps, each `width_ns` wide, and what happened meanwhile, in order.

    `span_ns` is the time from the first attempt to the last.
    """

    width_ns: int = FINEST_NS
    slices: tuple[Slice, ...] = ()
    moments: tuple[Moment, ...] = ()
    span_ns: int = 0


def timeline(fates: DataFrame, marks: Iterable[Mark]) -> Timeline:
    """Make a run's timeline; two actions.

    Args:
        fates: Of the columns `reconcile.FATES`.
        marks: What somebody has written down.
    """
    attempts = fates.where(F.col("sent_at_ns").isNotNull())
    spans = _spans(attempts)
    if not spans:
        return Timeline()
    whole, *servers = spans
    width = max(FINEST_NS, -(-(whole.last - whole.first + 1) // MOST_SLICES))
    slices = _slices(attempts, whole.first, whole.last, width)
    moments = [*_marked(slices, width, marks), *_pauses(slices, width), *_comings(whole, servers)]
    in_order = tuple(sorted(moments, key=lambda moment: moment.at_ns))
    return Timeline(width, slices, in_order, whole.last - whole.first)


def _spans(attempts: DataFrame) -> list[Row]:
    """When the first and the last attempt was sent: of all, then of each process that answered."""
    spans = attempts.rollup("server").agg(
        F.min("sent_at_ns").alias("first"),
        F.max("sent_at_ns").alias("last"),
        F.grouping_id().alias("is_whole"),
    )
    named = spans.where("is_whole = 1 or server is not null")
    return named.orderBy(F.desc("is_whole"), "server").limit(MOST_SERVERS + 2).collect()


def _slices(attempts: DataFrame, first: int, last: int, width: int) -> tuple[Slice, ...]:
    place = F.floor((F.col("sent_at_ns") - first) / width).cast("int").alias("place")
    bad = F.coalesce(F.col("http_status"), F.lit(0)).between(*_CLIENT_ERRORS)
    conditions = {
        "acked": F.col("outcome") == Outcome.ACKED.value,
        "refused": (F.col("outcome") == Outcome.FAILED.value) & ~bad,
        "indeterminate": F.col("outcome") == Outcome.INDETERMINATE.value,
        "lost": F.col("fate") == Fate.LOST.value,
        "duplicated": F.col("fate") == Fate.DUPLICATED.value,
    }
    counts = [F.count_if(condition).alias(name) for name, condition in conditions.items()]
    rows = {row.place: row for row in attempts.groupBy(place).agg(*counts).collect()}
    return tuple(
        Slice(first + index * width, *(_counts(rows.get(index), conditions)))
        for index in range((last - first) // width + 1)
    )


def _counts(row: Row | None, names: Iterable[str]) -> Iterator[int]:
    return (0 if row is None else int(row[name]) for name in names)


def _marked(slices: Sequence[Slice], width: int, marks: Iterable[Mark]) -> Iterator[Moment]:
    """Tell of each mark how long it took until all was well again."""
    ordered = list(marks)
    for mark, following in itertools.zip_longest(ordered, ordered[1:]):
        until = slices[-1].at_ns + width if following is None else following.at_ns
        between = [each for each in slices if mark.at_ns < each.at_ns + width <= until]
        yield _recovery(mark, between, width)


def _recovery(mark: Mark, slices: Sequence[Slice], width: int) -> Moment:
    disturbed = [index for index, each in enumerate(slices) if each.is_disturbed]
    if not disturbed:
        return Moment(mark.at_ns, mark.text, Source.MARKED)
    again = next((each.at_ns for each in slices[disturbed[-1] + 1 :] if each.acked), None)
    end_ns = slices[-1].at_ns + width if again is None else again
    took_ms = (end_ns - mark.at_ns) / _NS_PER_MS
    return Moment(mark.at_ns, mark.text, Source.MARKED, took_ms, again is not None)


def _pauses(slices: Sequence[Slice], width: int) -> Iterator[Moment]:
    """Tell of spans in which attempts were made and none was acknowledged."""
    for acked, group in itertools.groupby(slices, key=lambda each: each.acked > 0):
        span = list(group)
        length = len(span) * width
        if not acked and length >= PAUSE_NS and any(each.is_disturbed for each in span):
            text = f"nothing that was sent for {length / 1e9:.1f} s was acknowledged"
            yield Moment(span[0].at_ns, text, Source.OBSERVED)


def _comings(whole: Row, servers: Sequence[Row]) -> Iterator[Moment]:
    """Tell which of the service's processes came or went well within the run."""
    if len(servers) > MOST_SERVERS:
        return
    for each in servers:
        if each.first - whole.first >= PAUSE_NS:
            text = f"process {each.server} of the service answered first"
            yield Moment(each.first, text, Source.OBSERVED)
        if whole.last - each.last >= PAUSE_NS:
            text = f"process {each.server} of the service answered last"
            yield Moment(each.last, text, Source.OBSERVED)
