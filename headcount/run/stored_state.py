"""The stored state: what the service's database held for the run's owners when the run was over.

`stored.parquet` in the run's folder has a row for each thing of each owner. Its metadata has the
number of events at that moment, which shows whether the database has changed since.
"""

import itertools
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from headcount.errors import EvidenceError
from headcount.files import written_aside

FILE = "stored.parquet"
SCHEMA = pa.schema(
    [
        pa.field("owner", pa.string(), nullable=False),
        pa.field("thing", pa.string(), nullable=False),
        pa.field("number", pa.int64(), nullable=False),
    ]
)
_METADATA = b"headcount.run.stored_state"
_ROWS_AT_ONCE = 50_000


@dataclass(frozen=True, slots=True)
class Moment:
    """When the state was read, in ISO 8601, and how many events the owners had then.

    `last_event` is that number of events; the file format fixes the name.
    """

    read_at: str
    last_event: int


def write(path: Path, entries: Iterable[tuple[str, str, int]], moment: Moment) -> None:
    """Write a state atomically.

    Raises OSError, and EvidenceError if a number is not whole or needs more than 64 bits.
    """
    schema = SCHEMA.with_metadata({_METADATA: json.dumps(asdict(moment))})
    rest = map(_checked, entries)
    with (
        written_aside(path) as aside,
        pq.ParquetWriter(aside, schema, compression="zstd") as writer,
    ):
        while rows := list(itertools.islice(rest, _ROWS_AT_ONCE)):
            columns = zip(*rows, strict=True)
            arrays = [
                pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)
            ]
            writer.write_batch(pa.record_batch(arrays, schema=schema))


def _checked(entry: tuple[str, str, int]) -> tuple[str, str, int]:
    """Return an entry whose number is whole: Arrow would truncate any other without an error."""
    owner, resource, number = entry
    if type(number) is not int:
        raise EvidenceError(f"{resource!r} of {owner!r} is not a whole number: {number!r}")
    if not -(2**63) <= number < 2**63:
        raise EvidenceError(f"{resource!r} of {owner!r} needs more than 64 bits: {number}")
    return entry


def read_moment(path: Path) -> Moment | None:
    """Read the moment of a file; None if it is missing. EvidenceError if it is damaged."""
    if not path.is_file():
        return None
    try:
        schema = pq.read_schema(path)
        moment = Moment(**json.loads((schema.metadata or {})[_METADATA]))
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError):
        raise EvidenceError(f"{path} is damaged: restore it, or remove it") from None
    if schema.names != SCHEMA.names:
        raise EvidenceError(
            f"{path} does not have the columns {', '.join(SCHEMA.names)}: remove it"
        )
    return moment
