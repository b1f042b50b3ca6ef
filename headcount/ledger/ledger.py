"""The ledger: what each generator asked for, and what it heard back.

A generator writes only its own folder, `<ledger>/<generator>/`:

- `reservation-<n>.json`: before the first of a block of sequence numbers is used, the block is
  written here. An identity in a reserved block that has no row (the process was killed) is
  indeterminate, not a phantom.
- `segment-<n>.parquet`: rows of attempts that are over, in the order in which they ended.
- `arrivals.json`: what became of a rate's arrivals, where one was to be kept (see `arrivals.py`).
- `seal.json`: how many attempts there were, and each segment's rows and SHA-256. A generator
  without a seal makes the run's ledger *torn*.
- `health.json`: how busy the generator was (see `health.py`); no evidence, and not sealed.
- `shortfall.json`: what it was to make and did not (see `shortfall.py`); no evidence either.

Every file is written aside and renamed, so one that is visible is complete. The location is a path
or a URL of storage that every host reaches, such as `s3://bucket/ledgers`; how an object store is
reached, and by whom, is in its own environment variables and never in a ledger's location.
"""

import functools
import hashlib
import json
import os
import re
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from typing import NamedTuple
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from headcount.errors import UsageError
from headcount.files import force_to_disk
from headcount.ledger.generator_health import FILE as HEALTH_FILE
from headcount.ledger.generator_health import Health, dump
from headcount.ledger.parquet_encoding import encoded
from headcount.ledger.shortfall import FILE as SHORTFALL_FILE
from headcount.ledger.shortfall import Shortfall
from headcount.ledger.shortfall import dump as dump_shortfall
from headcount.open_model.scheduled_arrivals import FILE as ARRIVALS_FILE
from headcount.open_model.scheduled_arrivals import Arrivals

FORMAT = 3
READABLE = frozenset({2, FORMAT})
"""Formats that are read. Format 2 has the run's id where format 3 has its tag, and its segments
lack the columns `ended_at_ns` and `asked`."""

READERS = 32
"""How many segments are looked over at once: an object store answers each of them late."""

_DICTIONARY = pa.dictionary(pa.int32(), pa.string())

SCHEMA = pa.schema(
    [
        pa.field("generator", pa.int32(), nullable=False),
        pa.field("seq", pa.int64(), nullable=False),
        pa.field("event_type", _DICTIONARY, nullable=False),
        pa.field("scenario_user", _DICTIONARY, nullable=False),
        pa.field("shape", _DICTIONARY, nullable=False),
        pa.field("digest", pa.int64(), nullable=False),
        pa.field("intended_at_ns", pa.int64(), nullable=False),
        pa.field("sent_at_ns", pa.int64(), nullable=False),
        pa.field("answered_at_ns", pa.int64()),
        pa.field("http_status", pa.int16()),
        pa.field("outcome", _DICTIONARY, nullable=False),
        pa.field("error", _DICTIONARY),
        pa.field("acked_partition", pa.int32()),
        pa.field("acked_offset", pa.int64()),
        pa.field("server", _DICTIONARY),
        pa.field("owner", _DICTIONARY),
        pa.field("changes", pa.map_(pa.string(), pa.int64())),
        pa.field("ended_at_ns", pa.int64()),
        pa.field("asked", _DICTIONARY),
    ]
)
"""Columns of a segment. Times are Unix time in ns, advanced by a monotonic clock; `digest` is over
the fields that `shape` names (see `digest.py`); `answered_at_ns` and `http_status` are null where
no answer came, `error` where one did. `acked_partition` and `acked_offset` are where the service
says that the event is, and `server` which of its processes answered; null where it does not say.
`changes` is what the request does to the state of `owner` (see `changes.py`), null if nothing.
`ended_at_ns` is when an attempt without an answer was given up, null where an answer came.
`asked` tells what was asked for, to name what differs in a message (see `digest.describe`)."""

_COUNTING = (
    *("seq", "intended_at_ns", "sent_at_ns", "answered_at_ns"),
    *("acked_offset", "ended_at_ns"),
)
_NEW_COLUMNS = frozenset({"ended_at_ns", "asked"})
"""Columns that a segment of format 2 lacks."""
_FEW = [name for name in SCHEMA.names if name not in {*_COUNTING, "changes"}]
_ENCODED = encoded([*_FEW, "changes.key_value.key", "changes.key_value.value"], _COUNTING)


class Row(NamedTuple):
    """One attempt that is over; a tuple, because one is made for every request."""

    seq: int
    event_type: str
    scenario_user: str
    shape: str
    digest: int
    intended_at_ns: int
    sent_at_ns: int
    answered_at_ns: int | None
    http_status: int | None
    outcome: str
    error: str | None
    acked_partition: int | None = None
    acked_offset: int | None = None
    server: str | None = None
    owner: str | None = None
    changes: tuple[tuple[str, int], ...] | None = None
    ended_at_ns: int | None = None
    asked: str | None = None


_A_ROW = Row(0, "", "", "", 0, 0, 0, None, None, "", None)


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment as its generator's seal describes it."""

    name: str
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Seal:
    """A generator's last word: sequence numbers 0 to `attempted` - 1 were used, each has a row."""

    tag: str
    generator: int
    attempted: int
    segments: tuple[Segment, ...]
    format: int = FORMAT


@dataclass(frozen=True, slots=True)
class Reservation:
    """A block of sequence numbers, `first_seq` to `end_seq` - 1, that may have been used."""

    first_seq: int
    end_seq: int


@dataclass(frozen=True, slots=True)
class GeneratorLedger:
    """What one generator left, as found: `seal` is None where it was killed."""

    generator: int
    reserved: int
    segments: tuple[str, ...]
    seal: Seal | None
    damage: tuple[str, ...] = ()
    sha256s: tuple[str, ...] = ()
    """Of the segments, in their order."""


@dataclass(frozen=True, slots=True)
class _Look:
    """What was found in a segment: the SHA-256 of its bytes, and what is wrong with its form."""

    sha256: str
    damage: tuple[str, ...]


_File = tuple[str, int, int]
"""A file's path, size and time: while they are the same, it is."""


@dataclass(slots=True)
class Known:
    """What was found in a ledger's files before, so that each of them is read once."""

    segments: dict[_File, _Look] = field(default_factory=dict)
    reservations: dict[_File, Reservation | None] = field(default_factory=dict)


@dataclass(slots=True)
class LedgerWriter:
    """Writes one generator's part of a ledger. Every method raises OSError if it cannot."""

    filesystem: pafs.FileSystem
    location: str
    tag: str
    generator: int
    reserved: int = 0
    rows_written: int = 0
    _reservations: int = 0
    _segments: list[Segment] = field(default_factory=list)

    def open(self) -> None:
        """Make the generator's folder; FileExistsError if another process has it already."""
        if self.filesystem.get_file_info(self._folder).type != pafs.FileType.NotFound:
            raise FileExistsError(
                f"generator {self.generator} already has a ledger: {self._folder}"
            )
        self.filesystem.create_dir(self._folder, recursive=True)

    def reserve(self, count: int) -> range:
        """Put the next `count` sequence numbers on disk, and return them."""
        block = range(self.reserved, self.reserved + count)
        content = json.dumps(asdict(Reservation(block.start, block.stop)))
        self._write(f"reservation-{self._reservations:06}.json", content.encode())
        self._reservations += 1
        self.reserved = block.stop
        return block

    def write_segment(self, rows: Iterable[Row]) -> None:
        """Make rows visible as one more segment."""
        columns = list(zip(*rows, strict=True))
        if columns:
            self.write_table(_table(columns))

    def write_table(self, table: pa.Table) -> None:
        """Make rows visible as one more segment; the columns are those of `Row`."""
        content = _segment_bytes(table, self.tag, self.generator)
        name = f"segment-{len(self._segments):06}.parquet"
        self._write(name, content)
        digest = hashlib.sha256(content).hexdigest()
        self._segments.append(Segment(name, table.num_rows, digest))
        self.rows_written += table.num_rows

    def write_arrivals(self, arrivals: Arrivals) -> None:
        """Say, in place of what was said before, what has become of the arrivals of a rate."""
        self._write(ARRIVALS_FILE, json.dumps(asdict(arrivals)).encode())

    def write_health(self, health: Health) -> None:
        """Say how busy the generator was, instead of what was said of that before."""
        self._write(HEALTH_FILE, dump(health))

    def write_shortfall(self, shortfall: Shortfall) -> None:
        """Say what the generator did not make, instead of what was said of that before."""
        self._write(SHORTFALL_FILE, dump_shortfall(shortfall))

    def seal(self, attempted: int) -> Seal:
        """Say the last word; nothing is written after it."""
        seal = Seal(self.tag, self.generator, attempted, tuple(self._segments))
        self._write("seal.json", json.dumps(asdict(seal), indent=1).encode())
        return seal

    @property
    def _folder(self) -> str:
        return f"{self.location}/{self.generator}"

    def _write(self, name: str, content: bytes | pa.Buffer) -> None:
        aside, target = f"{self._folder}/.{name}.tmp", f"{self._folder}/{name}"
        with self.filesystem.open_output_stream(aside) as stream:
            stream.write(content)
        is_local = isinstance(self.filesystem, pafs.LocalFileSystem)
        if is_local:
            force_to_disk(aside)
        self.filesystem.move(aside, target)
        if is_local:
            force_to_disk(self._folder)  # which has the name


def warm_up() -> None:
    """Load what pyarrow loads when it writes first (pandas, where there is one).

    It takes a second of the interpreter: better before the load than under it.
    """
    _segment_bytes(_table([(value,) for value in _A_ROW]), "", 0)


def open_location(location: str) -> tuple[pafs.FileSystem, str]:
    """Open a ledger's location, a path or a URL that pyarrow knows."""
    if "://" in location:
        filesystem, path = pafs.FileSystem.from_uri(location)
        return filesystem, path
    return pafs.LocalFileSystem(), os.path.abspath(location)  # noqa: PTH100 - may be another host's


def check_location(name: str, location: str) -> str:
    """Return a location without a trailing slash.

    UsageError if it is a URL that pyarrow cannot open, or has more in it than a place: a key would
    be written into every run's manifest. `name` is the option that it was given by.
    """
    if "://" in location:
        parts = urlsplit(location)
        if parts.username or parts.password or parts.query or parts.fragment:
            raise UsageError(
                f"{name} must be a bare URL such as s3://bucket/ledgers: keys, region and endpoint "
                "go into AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL"
            )
        try:
            pafs.FileSystem.from_uri(location)
        except (pa.ArrowException, OSError) as error:
            raise UsageError(f"{name} cannot be opened: {error}") from None
    return location.rstrip("/") or "/"


def unsealed(
    filesystem: pafs.FileSystem, location: str, begun: Iterable[int] | None = None
) -> list[int]:
    """Name the generators that have no seal, by a look at the folders alone. Raises OSError.

    Those that have `begun` are among them while their folders are elsewhere.
    """
    selector = pafs.FileSelector(location, allow_not_found=True)
    names = [entry.base_name for entry in filesystem.get_file_info(selector)]
    generators = sorted({int(name) for name in names if name.isdigit()}.union(begun or ()))
    seals = filesystem.get_file_info([f"{location}/{each}/seal.json" for each in generators])
    return [
        generator
        for generator, seal in zip(generators, seals, strict=True)
        if seal.type == pafs.FileType.NotFound
    ]


def sealed_at_ns(
    filesystem: pafs.FileSystem, location: str, begun: Iterable[int] | None
) -> int | None:
    """When the last generator sealed, by the file system's clock; None if that is not known.

    Raises OSError.
    """
    paths = [f"{location}/{each}/seal.json" for each in begun or ()]
    times = [each.mtime_ns for each in filesystem.get_file_info(paths)] if paths else []
    known = [each for each in times if each is not None]
    return max(known) if known and len(known) == len(times) else None


def traces(
    filesystem: pafs.FileSystem, location: str, generator: int
) -> frozenset[tuple[str, int, int]]:
    """Give name, size and time of each file of a generator: another set if it writes any file.

    Raises OSError.
    """
    selector = pafs.FileSelector(f"{location}/{generator}", allow_not_found=True)
    found = filesystem.get_file_info(selector)
    return frozenset((each.base_name, each.size or 0, each.mtime_ns or 0) for each in found)


def read_ledger(
    filesystem: pafs.FileSystem, location: str, tag: str, known: Known | None = None
) -> list[GeneratorLedger]:
    """Look over every generator's part, without reading the rows. Raises OSError.

    What is `known` is not read again; what is read is noted there.
    """
    known = Known() if known is None else known
    selector = pafs.FileSelector(location, allow_not_found=True)
    folders = [entry for entry in filesystem.get_file_info(selector) if entry.base_name.isdigit()]
    with ThreadPoolExecutor(READERS) as pool:
        parts = [_read_generator(filesystem, entry.path, tag, pool, known) for entry in folders]
    return sorted(parts, key=lambda part: part.generator)


def with_later_reservations(
    parts: Sequence[GeneratorLedger], later: Sequence[GeneratorLedger]
) -> list[GeneratorLedger]:
    """Take over what was reserved by a later look, by generators that had not sealed by the first.

    Their rows stay as they were found first; a generator that is new has none.
    """
    found = {part.generator: part for part in parts}
    for part in later:
        mine = found.get(part.generator)
        if mine is None:
            mine = replace(part, segments=(), sha256s=(), seal=None, damage=())
        if mine.seal is None:
            mine = replace(mine, reserved=max(mine.reserved, part.reserved))
        found[part.generator] = mine
    return [found[generator] for generator in sorted(found)]


def _table(columns: list[tuple[object, ...]]) -> pa.Table:
    fields = [SCHEMA.field(name) for name in Row._fields]
    arrays = [
        pa.array(column, item.type.value_type).dictionary_encode()
        if pa.types.is_dictionary(item.type)
        else pa.array(column, item.type)
        for column, item in zip(columns, fields, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def _segment_bytes(table: pa.Table, tag: str, generator: int) -> pa.Buffer:
    generators = pa.repeat(pa.scalar(generator, pa.int32()), table.num_rows)
    metadata = {"headcount.tag": tag, "headcount.format": str(FORMAT)}
    whole = pa.Table.from_arrays(
        [generators, *table.columns], schema=SCHEMA.with_metadata(metadata)
    )
    sink = pa.BufferOutputStream()
    pq.write_table(whole, sink, write_statistics=["seq"], **_ENCODED)
    return sink.getvalue()


def _read_generator(
    filesystem: pafs.FileSystem, folder: str, tag: str, pool: ThreadPoolExecutor, known: Known
) -> GeneratorLedger:
    entries = sorted(
        (
            entry
            for entry in filesystem.get_file_info(pafs.FileSelector(folder))
            if entry.is_file and not entry.base_name.startswith(".")
        ),
        key=lambda entry: entry.base_name,
    )
    generator = int(folder.rsplit("/", 1)[-1])
    files = [entry for entry in entries if entry.base_name.startswith("segment-")]
    segments = tuple(entry.base_name for entry in files)
    damage: list[str] = []
    reserved = _read_reservations(filesystem, entries, pool, known, damage)
    has_seal = any(entry.base_name == "seal.json" for entry in entries)
    seal = _read_seal(filesystem, folder, damage) if has_seal else None
    sealed = {each.name: each.sha256 for each in seal.segments} if seal else {}
    look = functools.partial(_look, filesystem, tag, generator, known)
    looks = list(pool.map(look, files))
    for entry, found in zip(files, looks, strict=True):
        damage += found.damage
        if sealed.get(entry.base_name, found.sha256) != found.sha256:
            damage.append(f"{entry.path} is not what was sealed")
    if seal is not None:
        if (seal.tag, seal.generator) != (tag, generator):
            damage.append(f"{folder}/seal.json is of {seal.tag}.{seal.generator}")
        damage += _seal_damage(folder, seal, segments)
    sha256s = tuple(found.sha256 for found in looks)
    return GeneratorLedger(generator, reserved, segments, seal, tuple(damage), sha256s)


def _identified(entry: pafs.FileInfo) -> _File:
    return entry.path, entry.size, entry.mtime_ns


def _read_reservations(
    filesystem: pafs.FileSystem,
    entries: Iterable[pafs.FileInfo],
    pool: ThreadPoolExecutor,
    known: Known,
    damage: list[str],
) -> int:
    """Read the end of the last reserved block; blocks that do not follow each other are damage."""
    files = [entry for entry in entries if entry.base_name.startswith("reservation-")]
    read = functools.partial(_read_reservation, filesystem, known)
    end_seq = 0
    for index, (entry, block) in enumerate(zip(files, pool.map(read, files), strict=True)):
        follows = block is not None and block.first_seq == end_seq < block.end_seq
        if block is None or not follows or entry.base_name != f"reservation-{index:06}.json":
            damage.append(f"{entry.path} does not follow the reservation before it")
            continue
        end_seq = block.end_seq
    return end_seq


def _read_reservation(
    filesystem: pafs.FileSystem, known: Known, entry: pafs.FileInfo
) -> Reservation | None:
    """Read a reservation; None where it is none."""
    file = _identified(entry)
    if file not in known.reservations:
        try:
            block = Reservation(**json.loads(_read(filesystem, entry.path)))
            is_sound = isinstance(block.first_seq, int) and isinstance(block.end_seq, int)
        except (ValueError, TypeError):
            is_sound = False
        known.reservations[file] = block if is_sound else None
    return known.reservations[file]


def _read_seal(filesystem: pafs.FileSystem, folder: str, damage: list[str]) -> Seal | None:
    try:
        content = json.loads(_read(filesystem, f"{folder}/seal.json"))
        if content["format"] not in READABLE:
            damage.append(
                f"{folder}/seal.json has format {content['format']!r}, and this version reads "
                f"{' and '.join(map(str, sorted(READABLE)))}: use the version of headcount that "
                "wrote it"
            )
            return None
        if "run_id" in content:
            content["tag"] = content.pop("run_id")
        segments = tuple(Segment(**segment) for segment in content.pop("segments"))
        return Seal(segments=segments, **content)
    except (ValueError, TypeError, KeyError):
        damage.append(f"{folder}/seal.json cannot be read")
        return None


def _seal_damage(folder: str, seal: Seal, found: tuple[str, ...]) -> list[str]:
    """Hold a seal against the names that are there."""
    damage = []
    sealed = {segment.name: segment for segment in seal.segments}
    damage += [f"{folder}/{name} is missing" for name in sorted(sealed.keys() - set(found))]
    damage += [f"{folder}/{name} is not in the seal" for name in sorted(set(found) - sealed.keys())]
    if sum(segment.rows for segment in seal.segments) != seal.attempted:
        damage.append(f"{folder}/seal.json counts other rows than attempts")
    return damage


def _look(
    filesystem: pafs.FileSystem, tag: str, generator: int, known: Known, entry: pafs.FileInfo
) -> _Look:
    """Look at a segment, which is read whole, and once."""
    file = _identified(entry)
    if file not in known.segments:
        content = _read(filesystem, entry.path)
        damage = tuple(_form_damage(tag, generator, entry.path, content))
        known.segments[file] = _Look(hashlib.sha256(content).hexdigest(), damage)
    return known.segments[file]


_COLUMNS_OF = {
    "2": [name for name in SCHEMA.names if name not in _NEW_COLUMNS],
    str(FORMAT): SCHEMA.names,
}
"""The columns of a segment, by its format."""


def _form_damage(tag: str, generator: int, path: str, content: bytes) -> list[str]:
    """Tell what is wrong with its form: a torn file, another run's, another schema."""
    if not re.fullmatch(r"segment-\d{6,}\.parquet", path.rsplit("/", 1)[-1]):
        return [f"{path} is not a segment's name"]
    try:
        schema = pq.read_schema(pa.BufferReader(content))
    except (pa.ArrowException, OSError):
        return [f"{path} is torn: it is no whole Parquet file"]
    metadata = schema.metadata or {}
    if metadata.get(b"headcount.tag", metadata.get(b"headcount.run_id")) != tag.encode():
        return [f"{path} is of another run"]
    if schema.names != _COLUMNS_OF.get(metadata.get(b"headcount.format", b"").decode()):
        return [f"{path} is of another format; generator {generator} was of another version"]
    return []


def _read(filesystem: pafs.FileSystem, path: str) -> bytes:
    with filesystem.open_input_stream(path) as stream:
        return bytes(stream.read())
