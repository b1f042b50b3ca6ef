"""Content: reads the messages of a batch, from bytes to kinds and digests.

Load tests publish the same few messages over and over, each with its own id. So the digits of this
run's ids are masked if they are plain text, and so are fields that were not requested and differ in
every message (see `volatile_fields.py`). Each remaining text is read once, for all messages that
share it. A message is masked only if nothing read from it can depend on the masked bytes: the text
has no escapes, the id occurs in it once, and it is the id of the JSON object. Every other message
is read by itself.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa

from headcount.run import ids
from headcount.run.id_field import id_names, is_header
from headcount_analysis.arrow_types import Integers
from headcount_analysis.ledger.asked_shapes import ShapeTable
from headcount_analysis.messages import volatile_fields
from headcount_analysis.messages.batch_ids import BatchIds, Masked, batch_ids
from headcount_analysis.messages.batch_table import Batch, ReadMessage, batch_table
from headcount_analysis.messages.json_message import (
    Content,
    ParsedMessage,
    parse,
    read,
)
from headcount_analysis.messages.kinds import EVENT_TYPE_FIELD, Expected, MessageKind

_MOST_REMEMBERED_BYTES = 64 << 20

_NOISY, _FEW_TEXTS = 0.2, 50

_MOST_SAMPLINGS, _SAMPLED = 8, 64

_BYTES_PER_TEXT = 1000  # about the memory that a remembered text needs in addition to its own bytes

_NULL = 32  # a bit that is used for no masked span

_MOST_SPELLINGS = 4  # of the id's field

_MOST_SCHEMAS = 20

_Text = tuple[bytes, int, int]
"""A masked text, the bits of its masked spans, and the number of its attempt's shape."""


@dataclass(slots=True)
class Reader:
    """Reads batch after batch, and remembers the texts it has read."""

    expected: Expected
    _known: dict[_Text, ReadMessage | None] = field(default_factory=dict)
    _known_bytes: int = 0
    _volatile: tuple[volatile_fields.Field, ...] = ()
    _samplings: int = 0
    _spellings: tuple[str, ...] = ()
    _spelling_samplings: int = 0
    _names_read: frozenset[str] = frozenset()
    _shapes: ShapeTable | None = None
    _whole_id: re.Pattern[bytes] = field(init=False)
    _schemas: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Prepare the values that every batch needs."""
        expected = self.expected
        self._spellings = (expected.event_id_field,)
        self._names_read = expected.names_compared | {EVENT_TYPE_FIELD, expected.event_id_field}
        self._whole_id = ids.whole_id(expected.tag)
        if expected.asked_shapes is not None:
            self._shapes = expected.asked_shapes.read()

    def arrivals(self, messages: pa.RecordBatch) -> pa.Table:
        """Return a row of ARRIVALS for each message.

        Args:
            messages: Rows of `topic_range.MESSAGES`.
        """
        values = messages["value"]
        plain_ids = self._find_ids(values.fill_null(b""))
        masked = self._masked_messages(plain_ids)
        texts, place = self._texts(masked, plain_ids)
        # A null and an empty value have the same text, but not the same defect.
        is_null = values.is_null().to_numpy(zero_copy_only=False)
        first, what = _first_rows(place, len(texts)), masked.what | (is_null.astype(int) << _NULL)
        known = [
            self._text((text, int(what[row]), shape), values, int(row), plain_ids)
            for (text, shape), row in zip(texts, first, strict=True)
        ]
        # A text that contains the mask character itself is not the masked text.
        is_unread = np.array([message is None for message in known])
        alone = is_unread[place] | (what != what[first][place])
        for row in np.flatnonzero(alone):
            place[row] = len(known)
            value = values[int(row)].as_py()
            known.append(self._read(value, parse(value)))
        reads = [message or _EMPTY for message in known]
        batch = Batch(plain_ids, reads, place, plain_ids.is_there & ~alone)
        return batch_table(messages, batch, self.expected)

    def _find_ids(self, values: pa.Array) -> "BatchIds":
        """Find the ids in messages; if some lack one, sample how they spell the field's name."""
        field, plain_ids = self.expected.event_id_field, self._ids_in(values)
        missing = np.flatnonzero(~plain_ids.is_there)
        if not (len(missing) and is_header(field) and self._spelling_samplings < _MOST_SAMPLINGS):
            return plain_ids
        self._spelling_samplings += 1
        rows = missing[np.linspace(0, len(missing) - 1, _SAMPLED // 4, dtype=np.int64)]
        events = [parse(value).event or {} for value in values.take(pa.array(rows)).to_pylist()]
        more = dict.fromkeys(name for event in events for name in id_names(tuple(event), field))
        new = [name for name in more if name not in self._spellings]
        if not new:
            return plain_ids
        self._spellings = (*new, *self._spellings)[:_MOST_SPELLINGS]
        self._names_read |= frozenset(new)
        return self._ids_in(values)

    def _ids_in(self, values: pa.Array) -> "BatchIds":
        compared = self.expected.names_compared
        # A compared field must be read in each message, so it cannot be masked.
        return batch_ids(
            values, self.expected.prefix, [n for n in self._spellings if n not in compared]
        )

    def _texts(
        self, masked: "Masked", plain_ids: "BatchIds"
    ) -> tuple[list[tuple[bytes, int]], Integers]:
        """Return the distinct texts with their shape numbers, and for each row its text's index."""
        texts: list[bytes] = masked.texts.dictionary.to_pylist()
        place: Integers = masked.texts.indices.to_numpy().astype(np.int64)
        if self._shapes is None:
            return [(text, 0) for text in texts], place
        shapes = np.where(
            plain_ids.is_there, self._shapes.numbers(plain_ids.generator, plain_ids.seq), 0
        )
        width = len(self._shapes.shapes) + 1
        pairs, places = np.unique(place * width + shapes, return_inverse=True)
        return [(texts[pair // width], int(pair % width)) for pair in pairs], places

    def _text(
        self, key: _Text, values: pa.Array, row: int, plain_ids: "BatchIds"
    ) -> ReadMessage | None:
        """Read the shared content of all messages with the same masked text.

        Return None if each must be read by itself.
        """
        if key not in self._known:
            if self._known_bytes > _MOST_REMEMBERED_BYTES:
                self._forget()
            self._known_bytes += len(key[0]) + _BYTES_PER_TEXT
            value = values[row].as_py()
            self._known[key] = (
                self._masked(value, key[0], plain_ids.identity(row))
                if plain_ids.is_there[row]
                else self._unmasked(value)
            )
        return self._known[key]

    def _masked_messages(self, plain_ids: "BatchIds") -> "Masked":
        """Mask the messages; if most texts are new, sample which fields make them differ."""
        texts = plain_ids.texts
        masked = plain_ids.masked(self._volatile)
        is_volatile = len(masked.texts.dictionary) > max(_FEW_TEXTS, _NOISY * len(texts.values))
        if not is_volatile or self._samplings >= _MOST_SAMPLINGS:
            return masked
        self._samplings += 1
        rows = np.linspace(0, len(texts.values) - 1, _SAMPLED, dtype=np.int64)
        sample = texts.values.take(pa.array(rows)).to_pylist()
        events = [event for value in sample if (event := parse(value).event) is not None]
        known = {*self._names_read, *(field.name for field in self._volatile)}
        # Other spellings of the id field are read in each message, too.
        field = self.expected.event_id_field
        known |= {n for event in events for n in id_names(tuple(event), field)}
        more = volatile_fields.differing(events, known)
        if not more:
            return masked
        self._volatile = (*self._volatile, *more)[: volatile_fields.MOST_FIELDS]
        self._forget()
        return plain_ids.masked(self._volatile)

    def _forget(self) -> None:
        self._known.clear()
        self._known_bytes = 0

    def _masked(self, value: bytes, text: bytes, identity: str) -> ReadMessage | None:
        """Read one message for all that differ from it only in the masked bytes."""
        parsed, prefix = parse(value), self.expected.prefix.encode()
        # The masked id keeps its prefix in the text; another prefix would be a second id.
        if not self._is_apart(value, parsed) or text.count(prefix) != 1:
            return None
        content = self._content(parsed)
        return ReadMessage(content, MessageKind.CLAIMED) if content.identity == identity else None

    def _unmasked(self, value: bytes | None) -> ReadMessage | None:
        """Read one message without an id in plain text, for all with the same masked text."""
        parsed = parse(value)
        if self._volatile and not self._is_apart(value or b"", parsed):
            return None
        return self._read(value, parsed)

    def _is_apart(self, value: bytes, parsed: ParsedMessage) -> bool:
        event = parsed.event
        return event is not None and volatile_fields.is_apart(value, event, self._volatile)

    def _read(self, value: bytes | None, parsed: ParsedMessage) -> ReadMessage:
        """Read a message by itself."""
        content = self._content(parsed)
        prefix, identity = self.expected.prefix, content.identity
        if content.defect is not None:
            is_garbled = self._whole_id.search(value or b"") is not None
            content = replace(content, defect=self._bounded(content.defect))
            return ReadMessage(
                content, MessageKind.GARBLED if is_garbled else MessageKind.MALFORMED
            )
        # A prefix followed by a letter is other text, such as a host name.
        if identity is None or not identity.startswith(prefix) or _is_name(identity, prefix):
            return ReadMessage(content, MessageKind.FOREIGN)
        event_id = ids.parse(identity)
        if event_id is None:
            return ReadMessage(content, MessageKind.PHANTOM)
        return ReadMessage(content, MessageKind.CLAIMED, event_id.generator, event_id.seq)

    def _content(self, parsed: ParsedMessage) -> Content:
        return read(parsed, self.expected.event_id_field, EVENT_TYPE_FIELD, self._shapes_of)

    def _shapes_of(self, identity: str | None) -> Sequence[str]:
        """Return the shapes that the event with this id can have."""
        if self._shapes is None:
            return self.expected.shapes
        event_id = None if identity is None else ids.parse(identity)
        if event_id is None or event_id.tag != self.expected.tag:
            return ()
        return self._shapes.of(event_id.generator, event_id.seq)

    def _bounded(self, defect: str) -> str:
        """Drop the schema number from a defect if there are very many schemas."""
        name, _, schema = defect.partition(", schema ")
        if schema and len(self._schemas) < _MOST_SCHEMAS:
            self._schemas.add(schema)
        return name if schema and schema not in self._schemas else defect


def _is_name(identity: str, prefix: str) -> bool:
    return identity[len(prefix) : len(prefix) + 1].isalpha()


_EMPTY = ReadMessage(Content(defect="empty"), MessageKind.MALFORMED)


def _first_rows(place: Integers, count: int) -> Integers:
    """Return the first row of each place."""
    first = np.zeros(count, np.int64)
    first[place[::-1]] = np.arange(len(place) - 1, -1, -1)
    return first
