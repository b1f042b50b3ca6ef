"""The ledger as it is judged: a row for every attempt, and whether it is whole.

Every generator has a number of sequence numbers that it may have used: what its seal says, or,
where it was killed before it could seal, what it reserved. One of these that has no row was under
way when the generator died; it becomes an indeterminate row of event type `(unknown)`. A sealed
generator has a row for each, or its ledger is damaged.

The ledger is looked over once as a whole, for what must be known before anything is compared; its
rows are then read block by block, where they are compared.
"""

from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from headcount.ledger.location import open_location
from headcount.ledger.reader import GeneratorLedger
from headcount.ledger.schema import SCHEMA
from headcount.run.outcome import Outcome
from headcount_analysis.arrow_types import Flags, Integers
from headcount_analysis.compare_run.classes import UNKNOWN
from headcount_analysis.evidence import GeneratorState, LedgerState

COLUMNS = tuple(name for name in SCHEMA.names if name not in {"owner", "changes", "asked"})
"""The columns of a segment that are compared with the topic."""

_LOST_MEANWHILE = "no row: its generator ended before the answer was written"
_LOOKED_OVER = ("generator", "seq", "event_type", "shape", "owner")
_TIMES = ("intended_at_ns", "sent_at_ns", "answered_at_ns", "ended_at_ns")
_OVERVIEW = pa.schema([SCHEMA.field(name).with_nullable(True) for name in (*_LOOKED_OVER, *_TIMES)])
_NEVER = np.iinfo(np.int64).max

_AHEAD = 8
"""So many segments are read while another is looked at."""

_BITMAP_BITS = 1 << 15
_FULL = np.ones(_BITMAP_BITS, np.bool_)
"""The one bitmap of all stretches without a hole, which are nearly all."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment that is to be read, by its path below the ledger's location.

    `spans` has by generator the first and last number in it; `sha256` is of its bytes.
    """

    name: str
    spans: Mapping[int, tuple[int, int]]
    sha256: str


@dataclass(frozen=True, slots=True)
class Times:
    """The first and the last of each of an attempt's times, in ns, as far as any has one."""

    first: Mapping[str, int]
    last: Mapping[str, int]

    @property
    def span_ns(self) -> tuple[int, int] | None:
        """When the first request was sent, and when the last was answered or given up."""
        if "sent_at_ns" not in self.first:
            return None
        ends = ("sent_at_ns", "answered_at_ns", "ended_at_ns")
        return self.first["sent_at_ns"], max(self.last.get(name, 0) for name in ends)

    @property
    def sent_ns(self) -> tuple[int, int] | None:
        """When the first and the last request was sent."""
        name = "sent_at_ns"
        return (self.first[name], self.last[name]) if name in self.first else None


@dataclass(frozen=True, slots=True)
class Ledger:
    """What a ledger is worth, and where its rows are; `location` is a path or a URL."""

    location: str
    segments: tuple[Segment, ...]
    state: LedgerState
    times: Times
    first_of_shape: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    """By shape and generator, the first number of which an event of that shape was asked for."""


@dataclass(slots=True)
class _Rows:
    """What the rows of one generator add up to; distinct ones are counted exactly, by bitmaps."""

    rows: int = 0
    min_seq: int = 0
    max_seq: int = -1
    bitmaps: dict[int, Flags] = field(default_factory=dict)

    @property
    def distinct(self) -> int:
        return sum(int(bitmap.sum()) for bitmap in self.bitmaps.values())

    def note(self, numbers: Integers) -> None:
        if not self.rows:
            self.min_seq = int(numbers.min())
        self.rows += len(numbers)
        self.min_seq = min(self.min_seq, int(numbers.min()))
        self.max_seq = max(self.max_seq, int(numbers.max()))
        buckets = numbers // _BITMAP_BITS
        for bucket in np.unique(buckets):
            bitmap = self.bitmaps.setdefault(int(bucket), np.zeros(_BITMAP_BITS, np.bool_))
            bitmap[numbers[buckets == bucket] % _BITMAP_BITS] = True
            if bitmap.all():
                self.bitmaps[int(bucket)] = _FULL


@dataclass(slots=True)
class Overview:
    """What is found in looking over the segments, each of which is read once."""

    segments: dict[str, Segment] = field(default_factory=dict)
    generators: dict[int, _Rows] = field(default_factory=dict)
    names: dict[str, set[str]] = field(
        default_factory=lambda: {"shape": set(), "event_type": set(), "changing_type": set()}
    )
    first: dict[str, int] = field(default_factory=dict)
    last: dict[str, int] = field(default_factory=dict)
    first_of_shape: dict[str, dict[int, int]] = field(default_factory=dict)

    def read(self, location: str, names: Mapping[str, str]) -> None:
        """Look over those of the segments at a location that were not looked at. Raises OSError.

        `names` have the SHA-256 of each.
        """
        if any(names.get(each.name) != each.sha256 for each in self.segments.values()):
            # One is gone, or is another now: what it added cannot be taken away.
            self._forget()
        unread = [name for name in names if name not in self.segments]
        for name, rows in zip(unread, _tables(location, unread), strict=True):
            self.segments[name] = Segment(name, self._note(rows), names[name])

    def _forget(self) -> None:
        for known in (self.segments, self.generators, self.first, self.last, self.first_of_shape):
            known.clear()
        for names in self.names.values():
            names.clear()

    def _note(self, rows: pa.Table) -> dict[int, tuple[int, int]]:
        """Take in a segment, and give by generator its first and last number."""
        spans = {}
        generators = pc.unique(rows["generator"]).to_pylist()
        for generator in generators:
            is_alone = len(generators) == 1
            mine = rows if is_alone else rows.filter(pc.equal(rows["generator"], generator))
            numbers = mine["seq"].to_numpy()
            self.generators.setdefault(generator, _Rows()).note(numbers)
            self._note_shapes(generator, mine)
            spans[generator] = int(numbers.min()), int(numbers.max())
        changing = rows["event_type"].filter(rows["owner"].is_valid())
        found = {"shape": rows["shape"], "event_type": rows["event_type"]}
        for name, values in {**found, "changing_type": changing}.items():
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

    def _note_times(self, name: str, times_ns: pa.ChunkedArray) -> None:
        found = pc.min_max(times_ns).as_py()
        if found["min"] is not None:
            self.first[name] = min(found["min"], self.first.get(name, found["min"]))
            self.last[name] = max(found["max"], self.last.get(name, found["max"]))


def _tables(location: str, names: Sequence[str]) -> Iterator[pa.Table]:
    """Read what is looked over of segments, some of them ahead of their turn. Raises OSError."""
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
        yield from (each.result() for each in waiting)


def load(
    location: str,
    parts: Sequence[GeneratorLedger],
    begun: Sequence[int] | None,
    overview: Overview | None = None,
) -> Ledger:
    """Look over every undamaged segment of the parts that were found at a location.

    `begun` are the generators that there must be; None where that is not known. `overview` has what
    was looked over before. Raises OSError.
    """
    overview = Overview() if overview is None else overview
    overview.read(location, _segment_names(parts))
    return Ledger(
        location,
        tuple(segment for segment in overview.segments.values() if segment.spans),
        _judged(location, parts, begun, overview),
        Times(dict(overview.first), dict(overview.last)),
        {shape: dict(firsts) for shape, firsts in overview.first_of_shape.items()},
    )


def _judged(
    location: str,
    parts: Sequence[GeneratorLedger],
    begun: Sequence[int] | None,
    overview: Overview,
) -> LedgerState:
    found = overview.generators
    strangers = sorted(found.keys() - {part.generator for part in parts})
    damage = _absent(location, parts, begun)
    damage += [
        f"{location} has rows of generator {stranger}, which has no folder in it; restore it"
        for stranger in strangers
    ]
    states = []
    for part in parts:
        sums = found.get(part.generator, _Rows())
        states.append(_state(part, sums))
        damage += [_with_remedy(text) for text in part.damage]
        damage += [f"{location}/{part.generator}: {text}" for text in _row_damage(part, sums)]
    names = {name: tuple(sorted(told)) for name, told in overview.names.items()}
    return LedgerState(
        generators=tuple(states),
        shapes=names["shape"],
        event_types=names["event_type"],
        damage=tuple(damage),
        has_repeated_rows=any(sums.rows > sums.distinct for sums in found.values()),
        changing_types=names["changing_type"],
    )


def _absent(
    location: str, parts: Sequence[GeneratorLedger], begun: Sequence[int] | None
) -> list[str]:
    """Tell of generators that made requests and whose part is not there."""
    if begun is None and parts:
        return ["which generators made requests is not known, for generators.json is missing"]
    missing = sorted(set(begun or ()) - {part.generator for part in parts})
    return [
        f"generator {number} has begun, and {location} has nothing of it; restore its folder, or "
        "put --reports-dir where every generator can write to it"
        for number in missing
    ]


def _segment_names(parts: Sequence[GeneratorLedger]) -> dict[str, str]:
    return {
        f"{part.generator}/{name}": sha256
        for part in parts
        for name, sha256 in zip(part.segments, part.sha256s, strict=True)
        if not any(f"/{name} " in damage for damage in part.damage)
    }


def _state(part: GeneratorLedger, sums: _Rows) -> GeneratorState:
    promised = part.reserved if part.seal is None else part.seal.attempted
    asked = max(promised, sums.max_seq + 1)
    sealed = part.seal is not None
    return GeneratorState(
        part.generator,
        sealed,
        asked,
        sums.rows,
        asked - sums.distinct,
        part.seal.attempted if part.seal is not None else None,
    )


def _row_damage(part: GeneratorLedger, sums: _Rows) -> list[str]:
    """Tell what the rows themselves give away."""
    damage = []
    if sums.rows > sums.distinct:
        damage.append(
            f"{sums.rows - sums.distinct} rows are of an attempt that has one already; remove the "
            "segment that was copied"
        )
    if sums.min_seq < 0 or sums.max_seq >= part.reserved:
        damage.append(
            f"rows up to {sums.max_seq}, and {part.reserved} were reserved; restore the missing "
            "reservation"
        )
    if part.seal is not None and (sums.distinct, sums.max_seq + 1) != (part.seal.attempted,) * 2:
        damage.append(
            f"{sums.distinct} attempts have rows, and {part.seal.attempted} were sealed; restore "
            "the missing or damaged segment"
        )
    if part.seal is None:
        damage += _missing_in_between(part)
    return damage


def _with_remedy(damage: str) -> str:
    return damage if ": use " in damage else f"{damage}; restore it from a copy, or run again"


def _missing_in_between(part: GeneratorLedger) -> list[str]:
    """Without a seal, only a hole in the numbering tells that a segment is gone."""
    expected = [f"segment-{index:06}.parquet" for index in range(len(part.segments))]
    missing = sorted(set(expected) - set(part.segments))
    return [f"{name} is missing; restore it" for name in missing]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Sequence numbers `first_seq` to `end_seq` - 1 of every generator, and where their rows are.

    `asked` has by generator the end of those that may have been used, as far as any of these was;
    `segments` are by their paths below the ledger's location, with the SHA-256 of each.
    """

    first_seq: int
    end_seq: int
    asked: tuple[tuple[int, int], ...]
    segments: tuple[tuple[str, str], ...]


def stretches(ledger: Ledger, span: int) -> dict[int, Stretch]:
    """Cut all that was asked for into stretches of so many numbers, by their own number from 0."""
    segments: dict[int, list[tuple[str, str]]] = {}
    for segment in ledger.segments:
        for number in _met(segment, span):
            segments.setdefault(number, []).append((segment.name, segment.sha256))
    states = ledger.state.generators
    last = max((state.asked for state in states), default=0)
    return {
        number: Stretch(
            first,
            first + span,
            tuple(
                (each.generator, min(each.asked, first + span))
                for each in states
                if each.asked > first
            ),
            tuple(segments.get(number, ())),
        )
        for number, first in enumerate(range(0, last, span))
    }


def _met(segment: Segment, span: int) -> set[int]:
    """Number the stretches that a segment has rows of."""
    return {
        number
        for first, last in segment.spans.values()
        for number in range(first // span, last // span + 1)
    }


def attempts(location: str, stretch: Stretch) -> pa.Table:
    """Read the attempts of a stretch from the ledger at a location: none twice, none missing.

    Returns:
        A row for each, of COLUMNS, in one chunk. Raises OSError.
    """
    filesystem, root = open_location(location)
    within = (pc.field("seq") >= stretch.first_seq) & (pc.field("seq") < stretch.end_seq)
    tables = [_NO_ROWS] + [
        pq.read_table(
            f"{root}/{name}",
            filesystem=filesystem,
            schema=_ROWS,  # in which a column that a format before lacks is null
            filters=within,
            partitioning=None,
        )
        for name, _ in stretch.segments
    ]
    rows = _without_repetition(pa.concat_tables(tables))
    missing = [_unanswered(rows, each, stretch.first_seq, end) for each, end in stretch.asked]
    return pa.concat_tables([rows, *missing]).unify_dictionaries().combine_chunks()


def asked_for(
    ledger: Ledger, events: Collection[tuple[int, int]]
) -> dict[tuple[int, int], tuple[str | None, str]]:
    """Read what some events, by generator and number, were asked for, and in which shape.

    A ledger of the format before does not say. Raises OSError.
    """
    filesystem, root = open_location(ledger.location)
    columns = ["generator", "seq", "shape", "asked"]
    found: dict[tuple[int, int], tuple[str | None, str]] = {}
    for segment in ledger.segments:
        numbers = [seq for generator, seq in events if _has(segment, generator, seq)]
        path = f"{root}/{segment.name}"
        if not numbers or "asked" not in pq.read_schema(path, filesystem=filesystem).names:
            continue
        rows = pq.read_table(
            path,
            filesystem=filesystem,
            columns=columns,
            filters=pc.field("seq").isin(numbers),
            partitioning=None,
        )
        for row in rows.to_pylist():
            found[row["generator"], row["seq"]] = row["asked"], row["shape"]
    return found


def _has(segment: Segment, generator: int, seq: int) -> bool:
    first, last = segment.spans.get(generator, (0, -1))
    return first <= seq <= last


_ROWS = pa.schema([pa.field(name, SCHEMA.field(name).type) for name in COLUMNS])
_NO_ROWS = _ROWS.empty_table()


def _without_repetition(rows: pa.Table) -> pa.Table:
    """Keep the first row of each attempt; that there were more is among the damage."""
    if not _is_repeated(rows):
        return rows
    ordered = rows.sort_by([(name, "ascending") for name in ("generator", "seq", "sent_at_ns")])
    generator, seq = ordered["generator"].to_numpy(), ordered["seq"].to_numpy()
    is_first = np.ones(len(seq), np.bool_)
    is_first[1:] = (generator[1:] != generator[:-1]) | (seq[1:] != seq[:-1])
    return ordered.filter(pa.array(is_first))


def _is_repeated(rows: pa.Table) -> bool:
    generator, seq = rows["generator"].to_numpy().astype(np.int64), rows["seq"].to_numpy()
    if not len(seq):
        return False
    least, width = int(seq.min()), int(seq.max() - seq.min()) + 1
    lines = np.searchsorted(np.unique(generator), generator)
    return bool(np.bincount(lines * width + (seq - least)).max() > 1)


def _unanswered(rows: pa.Table, generator: int, first_seq: int, end_seq: int) -> pa.Table:
    """Rows for attempts that were reserved, and of which nothing more is known."""
    known = rows["seq"].to_numpy()[rows["generator"].to_numpy() == generator]
    is_missing = np.ones(end_seq - first_seq, np.bool_)
    is_missing[known - first_seq] = False
    missing = np.flatnonzero(is_missing) + first_seq
    told: dict[str, object] = {
        "generator": generator,
        "event_type": UNKNOWN,
        "outcome": Outcome.INDETERMINATE.value,
        "error": _LOST_MEANWHILE,
    }
    columns = [
        pa.array(missing)
        if item.name == "seq"
        else pa.array([told.get(item.name)], item.type).take(
            pa.array(np.zeros(len(missing), np.int64))
        )
        for item in _ROWS
    ]
    return pa.Table.from_arrays(columns, schema=_ROWS)
