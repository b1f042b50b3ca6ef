"""The overview of a ledger: its segments, times and shapes, and whether it is whole."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from headcount.ledger.location import open_location
from headcount.ledger.reader import GeneratorLedger
from headcount.ledger.schema import SCHEMA
from headcount_analysis.ledger.ledger_state import LedgerState
from headcount_analysis.ledger.row_damage import (
    SeqRows,
    absent,
    ledger_state,
    row_damage,
    with_remedy,
)

_NAMED = ("generator", "seq", "event_type", "shape", "owner")

_TIMES = ("intended_at_ns", "sent_at_ns", "answered_at_ns", "ended_at_ns")

_OVERVIEW = pa.schema([SCHEMA.field(name).with_nullable(True) for name in (*_NAMED, *_TIMES)])

_NEVER = np.iinfo(np.int64).max

_AHEAD = 8
"""How many segments are read ahead while another one is summed up."""


@dataclass(frozen=True, slots=True)
class SegmentOverview:
    """A segment of the ledger; `name` is its path below the ledger's location.

    `spans` holds by generator the first and last number in it; `sha256` is the hash of its bytes.
    """

    name: str
    spans: Mapping[int, tuple[int, int]]
    sha256: str


@dataclass(frozen=True, slots=True)
class Times:
    """The first and last value of each time of attempts, in ns, by the column's name.

    `spans_ns` has by generator when its first request was sent, and when its last was answered or
    given up, by its own clock.
    """

    first: Mapping[str, int]
    last: Mapping[str, int]
    spans_ns: Mapping[int, tuple[int, int]] = field(default_factory=dict)

    @property
    def sent_ns(self) -> tuple[int, int] | None:
        """When the first and the last request were sent."""
        name = "sent_at_ns"
        return (self.first[name], self.last[name]) if name in self.first else None


@dataclass(frozen=True, slots=True)
class Ledger:
    """A loaded ledger: its condition, and where its rows are; `location` is a path or a URL."""

    location: str
    segments: tuple[SegmentOverview, ...]
    state: LedgerState
    times: Times
    first_of_shape: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    """By shape and generator, the first sequence number that asked for an event of that shape."""


@dataclass(slots=True)
class Overview:
    """The totals of the segments read so far; each is read once."""

    segments: dict[str, SegmentOverview] = field(default_factory=dict)
    generators: dict[int, SeqRows] = field(default_factory=dict)
    names: dict[str, set[str]] = field(
        default_factory=lambda: {"shape": set(), "event_type": set(), "changing_type": set()}
    )
    first: dict[str, int] = field(default_factory=dict)
    last: dict[str, int] = field(default_factory=dict)
    spans_ns: dict[int, tuple[int, int]] = field(default_factory=dict)
    first_of_shape: dict[str, dict[int, int]] = field(default_factory=dict)

    def read(self, location: str, names: Mapping[str, str]) -> None:
        """Read the segments at a location that have not been read yet. Raises OSError.

        `names` maps the name of each segment to its SHA-256.
        """
        if any(names.get(segment.name) != segment.sha256 for segment in self.segments.values()):
            # A segment is gone or has changed, and its share of the totals cannot be subtracted.
            self._forget()
        unread = [name for name in names if name not in self.segments]
        for name, rows in zip(unread, _tables(location, unread), strict=True):
            self.segments[name] = SegmentOverview(name, self._note(rows), names[name])

    def _forget(self) -> None:
        times = (self.first, self.last, self.spans_ns)
        for known in (self.segments, self.generators, self.first_of_shape, *times):
            known.clear()
        for names in self.names.values():
            names.clear()

    def _note(self, rows: pa.Table) -> dict[int, tuple[int, int]]:
        """Add a segment; return its first and last sequence number by generator."""
        spans = {}
        generators = pc.unique(rows["generator"]).to_pylist()
        for generator in generators:
            is_alone = len(generators) == 1
            is_own = pc.equal(rows["generator"], generator)
            generator_rows = rows if is_alone else rows.filter(is_own)
            numbers = generator_rows["seq"].to_numpy()
            self.generators.setdefault(generator, SeqRows()).note(numbers)
            self._note_shapes(generator, generator_rows)
            self._note_span(generator, generator_rows)
            spans[generator] = int(numbers.min()), int(numbers.max())
        changing = rows["event_type"].filter(rows["owner"].is_valid())
        named = {"shape": rows["shape"], "event_type": rows["event_type"]}
        for name, values in {**named, "changing_type": changing}.items():
            self.names[name].update(pc.unique(values).to_pylist())
        for name in _TIMES:
            self._note_times(name, rows[name])
        return spans

    def _note_shapes(self, generator: int, rows: pa.Table) -> None:
        for chunk in rows.select(["shape", "seq"]).to_batches():
            shapes, numbers = chunk["shape"].dictionary_encode(), chunk["seq"].to_numpy()
            firsts = np.full(len(shapes.dictionary), _NEVER)
            np.minimum.at(firsts, shapes.indices.to_numpy(), numbers)
            for place in map(int, np.flatnonzero(firsts != _NEVER)):
                known = self.first_of_shape.setdefault(shapes.dictionary[place].as_py(), {})
                known[generator] = min(int(firsts[place]), known.get(generator, _NEVER))

    def _note_span(self, generator: int, rows: pa.Table) -> None:
        ends = (
            pc.max(rows[name]).as_py() for name in ("sent_at_ns", "answered_at_ns", "ended_at_ns")
        )
        span = pc.min(rows["sent_at_ns"]).as_py(), max(end for end in ends if end is not None)
        known = self.spans_ns.get(generator, span)
        self.spans_ns[generator] = min(known[0], span[0]), max(known[1], span[1])

    def _note_times(self, name: str, times_ns: pa.ChunkedArray) -> None:
        bounds = pc.min_max(times_ns).as_py()
        if bounds["min"] is not None:
            self.first[name] = min(bounds["min"], self.first.get(name, bounds["min"]))
            self.last[name] = max(bounds["max"], self.last.get(name, bounds["max"]))


def _tables(location: str, names: Sequence[str]) -> Iterator[pa.Table]:
    """Read the overview's columns of segments, in order and some ahead. Raises OSError."""
    filesystem, root = open_location(location)

    def read(name: str) -> pa.Table:
        path = f"{root}/{name}"
        return pq.read_table(path, filesystem=filesystem, schema=_OVERVIEW, partitioning=None)

    with ThreadPoolExecutor(_AHEAD) as pool:
        waiting: deque[Future[pa.Table]] = deque()
        for name in names:
            waiting.append(pool.submit(read, name))
            if len(waiting) > _AHEAD:
                yield waiting.popleft().result()
        yield from (future.result() for future in waiting)


def load(
    location: str,
    parts: Sequence[GeneratorLedger],
    begun: Sequence[int] | None,
    overview: Overview | None = None,
) -> Ledger:
    """Load the overview of all undamaged segments of some parts at a location.

    `begun` lists the generators that must have a part; None if unknown. `overview` holds the
    segments that were read earlier. Raises OSError.
    """
    overview = Overview() if overview is None else overview
    overview.read(location, _segment_names(parts))
    return Ledger(
        location,
        tuple(segment for segment in overview.segments.values() if segment.spans),
        _judged(location, parts, begun, overview),
        Times(dict(overview.first), dict(overview.last), dict(overview.spans_ns)),
        {shape: dict(firsts) for shape, firsts in overview.first_of_shape.items()},
    )


def _judged(
    location: str,
    parts: Sequence[GeneratorLedger],
    begun: Sequence[int] | None,
    overview: Overview,
) -> LedgerState:
    by_generator = overview.generators
    without_folder = sorted(by_generator.keys() - {part.generator for part in parts})
    damage = absent(location, parts, begun)
    damage += [
        f"{location} has rows of generator {number} but lacks its folder; restore it"
        for number in without_folder
    ]
    states = []
    for part in parts:
        sums = by_generator.get(part.generator, SeqRows())
        states.append(ledger_state(part, sums))
        damage += [with_remedy(text) for text in part.damage]
        damage += [f"{location}/{part.generator}: {text}" for text in row_damage(part, sums)]
    names = {name: tuple(sorted(values)) for name, values in overview.names.items()}
    return LedgerState(
        generators=tuple(states),
        shapes=names["shape"],
        event_types=names["event_type"],
        damage=tuple(damage),
        has_repeated_rows=any(sums.rows > sums.distinct for sums in by_generator.values()),
        changing_types=names["changing_type"],
    )


def _segment_names(parts: Sequence[GeneratorLedger]) -> dict[str, str]:
    return {
        f"{part.generator}/{name}": sha256
        for part in parts
        for name, sha256 in zip(part.segments, part.sha256s, strict=True)
        if not any(f"/{name} " in damage for damage in part.damage)
    }
