"""The kinds of messages, and the columns of what is read of a batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa

from headcount.ledger.digest import names_of
from headcount_analysis.arrow_types import TEXTS
from headcount_analysis.ledger.asked_shapes import AskedShapes

MAX_SHAPES = 256
"""A message is tried with so many shapes; of more, only with its own, by what the ledger says."""

EVENT_TYPE_FIELD = "event_type"


class MessageKind(StrEnum):
    """The kind of a message."""

    CLAIMED = "claimed"
    """Its id is of this run, and a generator has asked for it or may have."""
    PHANTOM = "phantom"
    FOREIGN = "foreign"
    MALFORMED = "malformed"
    GARBLED = "garbled"
    """It cannot be parsed either, and a whole id of this run stands in its bytes."""


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
"""A row for each message. `key_hash` is null without a key; `claimed_id` is a phantom's, and
`generator` and `seq` are those of a claimed one. `digests` are over the shapes that it can have.
`value_hash` tells apart the bytes of messages; `defect` says what is wrong with a malformed one."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What messages of the run look like.

    `asked` says for each generator how many sequence numbers, from 0, it may have used; `shapes`
    are what is compared, or where these are too many `asked_shapes` says it of each attempt.
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
        """What this run's ids begin with."""
        return f"{self.tag}."
