"""The ledger's files: each generator's requests and their responses.

A generator writes only its own folder, `<ledger>/<generator>/`:

- `reservation-<n>.json`: a block of sequence numbers, written before the first of them is used. An
  id in a reserved block that has no row (the process was killed) is indeterminate, not a phantom.
- `segment-<n>.parquet`: rows of attempts that are over, in the order in which they ended.
- `arrivals.json`: what became of a rate's arrivals (see `open_model/arrival_counts.py`).
- `seal.json`: how many attempts there were, and each segment's rows and SHA-256. A generator
  without a seal makes the run's ledger *torn*.
- `health.json`: how busy the generator was (see `generator_health.py`); not evidence, not sealed.
- `shortfall.json`: the traffic that it failed to make (see `shortfall.py`); not evidence either.
- `endpoints.json`: the method and path of its requests (see `endpoints.py`); not evidence either.
- `phases.json`: how long the phases of its requests took (see `http_phases.py`); not evidence.

Every file is written under another name and then renamed, so a visible file is complete. The
location is a path or a URL of storage that every host reaches, such as `s3://bucket/ledgers`. The
endpoint and the keys of an object store are in the environment variables of its client, such as
`AWS_ENDPOINT_URL`, never in a location.
"""

from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa

FORMAT = 3

READABLE = frozenset({2, FORMAT})
"""Formats that are read. Format 2 has the run's id where format 3 has its tag, and its segments
lack the columns `ended_at_ns` and `asked`."""

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
the fields that `shape` names (see `event_digest.py`). `answered_at_ns` and `http_status` are null
if no response came, and `error` is null if one came. `acked_partition` and `acked_offset` are where
the service says that the event is, and `server` is which of its processes answered; each is null if
the service does not say.
`changes` is what the request does to the state of `owner` (see `headcount/run/state_changes.py`),
null if nothing. `ended_at_ns` is when an attempt without a response was abandoned, null if a
response came. `asked` has the fields of `event=`, to name those that differ in a message (see
`event_digest.describe`)."""

_NEW_COLUMNS = frozenset({"ended_at_ns", "asked"})
"""Columns that a segment of format 2 lacks."""


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


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment as its generator's seal describes it."""

    name: str
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Seal:
    """The end of a generator's ledger: numbers 0 to `attempted` - 1 were used; each has a row."""

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


COLUMNS_BY_FORMAT = {
    "2": [name for name in SCHEMA.names if name not in _NEW_COLUMNS],
    str(FORMAT): SCHEMA.names,
}
"""The columns of a segment, by its format."""
