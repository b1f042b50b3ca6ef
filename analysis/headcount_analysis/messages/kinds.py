"""The kinds of messages, and the columns that a batch is read into."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa

from headcount.ledger.digest import names_of
from headcount_analysis.arrow_types import TEXTS
from headcount_analysis.ledger.asked_shapes import AskedShapes

MAX_SHAPES = 256
"""A message is tried with all shapes of the ledger up to this many, otherwise only with its own."""

EVENT_TYPE_FIELD = "event_type"


class MessageKind(StrEnum):
    """The kind of a message."""

    CLAIMED = "claimed"
    """Its id is of this run, and a generator has requested it or may have."""
    PHANTOM = "phantom"
    FOREIGN = "foreign"
    MALFORMED = "malformed"
    GARBLED = "garbled"
    """It is malformed, and its bytes contain a whole id of this run."""


KINDS = tuple(MessageKind)

ARRIVALS = pa.schema(
    [
        ("partition", pa.int32()),
        ("offset", pa.int64()),
        ("timestamp_ms", pa.int64()),
        ("timestamp_type", pa.int32()),
        ("key_hash", pa.int64()),
        ("kind", TEXTS),
        ("claimed_id", pa.string()),
        ("generator", pa.int32()),
        ("seq", pa.int64()),
        ("event_type", TEXTS),
        ("digests", pa.list_(pa.int64())),
        ("value_hash", pa.int64()),
        ("defect", TEXTS),
    ]
)
"""A row for each message. `key_hash` is null without a key. Only phantoms have a `claimed_id`, and
only claimed messages a `generator` and a `seq`. `digests` are over the shapes that the message can
have. `value_hash` is the hash of the message's bytes; `defect` describes a malformed message."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What messages of the run should look like.

    `asked` is the number of sequence numbers, from 0, that each generator may have used. `shapes`
    lists the shapes to compare; if there are too many, `asked_shapes` has the one of each attempt.
    """

    tag: str
    event_id_field: str
    asked: Mapping[int, int]
    shapes: Sequence[str]
    asked_shapes: AskedShapes | None = None

    @property
    def names_compared(self) -> frozenset[str]:
        """The fields of events that are compared, whole or in parts."""
        if self.asked_shapes is not None:
            return self.asked_shapes.names
        return frozenset(name for shape in self.shapes for name in names_of(shape))

    @property
    def prefix(self) -> str:
        """The prefix of this run's ids."""
        return f"{self.tag}."
