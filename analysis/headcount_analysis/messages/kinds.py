"""The kinds of messages, and the columns that a batch is read into."""

from enum import StrEnum

import pyarrow as pa

from headcount_analysis.arrow_types import TEXTS

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
