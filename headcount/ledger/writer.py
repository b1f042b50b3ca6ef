"""Writes one generator's part of a ledger."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from headcount.files import force_to_disk
from headcount.ledger.endpoints import FILE as ENDPOINTS_FILE
from headcount.ledger.endpoints import Endpoints
from headcount.ledger.generator_health import FILE as HEALTH_FILE
from headcount.ledger.generator_health import Health
from headcount.ledger.http_phases import FILE as PHASES_FILE
from headcount.ledger.http_phases import HttpPhases
from headcount.ledger.parquet_encoding import encoded
from headcount.ledger.schema import FORMAT, SCHEMA, Reservation, Row, Seal, Segment
from headcount.ledger.segment_buffer import table_of
from headcount.ledger.shortfall import FILE as SHORTFALL_FILE
from headcount.ledger.shortfall import Shortfall
from headcount.open_model.arrival_counts import FILE as ARRIVALS_FILE
from headcount.open_model.arrival_counts import Arrivals

_COUNTING = (
    *("seq", "intended_at_ns", "sent_at_ns", "answered_at_ns"),
    *("acked_offset", "ended_at_ns"),
)

_FEW = [name for name in SCHEMA.names if name not in {*_COUNTING, "changes"}]

_ENCODED = encoded([*_FEW, "changes.key_value.key", "changes.key_value.value"], _COUNTING)

_SAMPLE_ROW = Row(0, "", "", "", 0, 0, 0, None, None, "", None)


@dataclass(slots=True)
class LedgerWriter:
    """Writes one generator's part of a ledger. Every method raises OSError if it cannot write."""

    filesystem: pafs.FileSystem
    location: str
    tag: str
    generator: int
    reserved: int = 0
    _reservations: int = 0
    _segments: list[Segment] = field(default_factory=list)

    def open(self) -> None:
        """Create the generator's folder. FileExistsError if another process has it already."""
        if self.filesystem.get_file_info(self._folder).type != pafs.FileType.NotFound:
            raise FileExistsError(
                f"generator {self.generator} already has a ledger: {self._folder}"
            )
        self.filesystem.create_dir(self._folder, recursive=True)

    def reserve(self, count: int) -> range:
        """Write the next `count` sequence numbers to disk, and return them."""
        block = range(self.reserved, self.reserved + count)
        content = json.dumps(asdict(Reservation(block.start, block.stop)))
        self._write(f"reservation-{self._reservations:06}.json", content.encode())
        self._reservations += 1
        self.reserved = block.stop
        return block

    def write_segment(self, rows: Iterable[Row]) -> None:
        """Write rows as one more segment."""
        whole = list(rows)
        if whole:
            self.write_table(table_of(whole))

    def write_table(self, table: pa.Table) -> None:
        """Write rows as one more segment; the columns are those of `Row`."""
        content = _segment_bytes(table, self.tag, self.generator)
        name = f"segment-{len(self._segments):06}.parquet"
        self._write(name, content)
        digest = hashlib.sha256(content).hexdigest()
        self._segments.append(Segment(name, table.num_rows, digest))

    def write_arrivals(self, arrivals: Arrivals) -> None:
        """Write what became of the arrivals of a rate, in place of the previous file."""
        self._write(ARRIVALS_FILE, json.dumps(asdict(arrivals)).encode())

    def write_health(self, health: Health) -> None:
        """Write how busy the generator was, in place of the previous file."""
        self._write(HEALTH_FILE.name, HEALTH_FILE.dump(health))

    def write_shortfall(self, shortfall: Shortfall) -> None:
        """Write the traffic that the generator failed to make, in place of the previous file."""
        self._write(SHORTFALL_FILE.name, SHORTFALL_FILE.dump(shortfall))

    def write_endpoints(self, endpoints: Endpoints) -> None:
        """Write the method and path of the requests, in place of the previous file."""
        self._write(ENDPOINTS_FILE.name, ENDPOINTS_FILE.dump(endpoints))

    def write_phases(self, phases: HttpPhases) -> None:
        """Write how long the phases of the requests took, in place of the previous file."""
        self._write(PHASES_FILE.name, PHASES_FILE.dump(phases))

    def seal(self, attempted: int) -> Seal:
        """Write the seal; nothing is written after it."""
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
            force_to_disk(self._folder)  # so that the new name is on disk


def warm_up() -> None:
    """Encode a sample row, so that pyarrow loads now what it needs for its first write.

    Loading blocks the interpreter: better before the load test than during it.
    """
    _segment_bytes(table_of([_SAMPLE_ROW]), "", 0)


def _segment_bytes(table: pa.Table, tag: str, generator: int) -> pa.Buffer:
    generators = pa.repeat(pa.scalar(generator, pa.int32()), table.num_rows)
    metadata = {"headcount.tag": tag, "headcount.format": str(FORMAT)}
    whole = pa.Table.from_arrays(
        [generators, *table.columns], schema=SCHEMA.with_metadata(metadata)
    )
    sink = pa.BufferOutputStream()
    pq.write_table(whole, sink, write_statistics=["seq"], **_ENCODED)
    return sink.getvalue()
