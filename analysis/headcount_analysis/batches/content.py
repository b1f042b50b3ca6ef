"""Content: reads the messages of a batch, from bytes to kinds and digests.

Load tests publish the same few messages over and over, each with its own id. So the digits of this
run's ids are masked if they are plain text, and so are fields that were not requested and differ in
every message (see `volatile_fields.py`). Each remaining text is read once, for all messages that
share it. A message is masked only if nothing read from it can depend on the masked bytes: the text
has no escapes, the id occurs in it once, and it is the id at the run's location. Every other
message is read by itself.

An id beside the value, in the key or a header, is read for all messages of a batch together; then
messages share what was read if their whole values are equal.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa

from headcount.ledger.digest import digests_over
from headcount.run.id_location import LocationKind
from headcount_analysis.arrow_types import Integers
from headcount_analysis.batches import volatile_fields
from headcount_analysis.batches.batch_ids import BatchIds, Masked
from headcount_analysis.batches.batch_table import Batch, Content, ReadMessage, batch_table
from headcount_analysis.batches.expected import Expected
from headcount_analysis.batches.header_context import context_of
from headcount_analysis.batches.id_finder import IdFinder
from headcount_analysis.formats.message_format import IdText
from headcount_analysis.id_places.id_place import IdPlace
from headcount_analysis.ledger.asked_shapes import ShapeTable
from headcount_analysis.messages.json_message import ParsedMessage, type_text
from headcount_analysis.messages.kinds import EVENT_TYPE_FIELD, MessageKind
from headcount_analysis.messages.record import Record, record_of

_MOST_REMEMBERED_BYTES = 64 << 20

_NOISY, _FEW_TEXTS = 0.2, 50

_MOST_SAMPLINGS, _SAMPLED = 8, 64

_BYTES_PER_TEXT = 1000  # about the memory that a remembered text needs in addition to its own bytes

_NULL, _WITHOUT, _CONTEXT = 32, 33, 34  # bits that are used for no masked span

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
    _shapes: ShapeTable | None = None
    _schemas: set[str] = field(default_factory=set)
    _contexts: dict[tuple[bytes | None, ...], int] = field(default_factory=dict)
    _place: IdPlace = field(init=False)
    _finder: IdFinder = field(init=False)

    def __post_init__(self) -> None:
        """Prepare the values that every batch needs."""
        self._place = self.expected.place
        self._finder = IdFinder(self.expected, self._place)
        if self.expected.asked_shapes is not None:
            self._shapes = self.expected.asked_shapes.read()

    def arrivals(self, messages: pa.RecordBatch) -> pa.Table:
        """Return a row of ARRIVALS for each message.

        Args:
            messages: Rows of `topic_range.MESSAGES`.
        """
        values = messages["value"]
        batch_ids = self._finder.find(messages, values.fill_null(b""))
        masked = self._masked_messages(messages, batch_ids)
        texts, place = self._texts(masked, batch_ids)
        what = self._what(messages, masked, batch_ids)
        first = _first_rows(place, len(texts))
        known = [
            self._text((text, int(what[row]), shape), messages, int(row), batch_ids)
            for (text, shape), row in zip(texts, first, strict=True)
        ]
        # A text that contains the mask character itself is not the masked text.
        is_unread = np.array([message is None for message in known])
        alone = is_unread[place] | (what != what[first][place])
        for row in np.flatnonzero(alone):
            place[row] = len(known)
            known.append(self._read(record_of(messages, int(row))))
        reads = [message or _EMPTY for message in known]
        batch = Batch(batch_ids, reads, place, batch_ids.is_there & ~alone)
        return batch_table(messages, batch, self.expected)

    def _what(self, messages: pa.RecordBatch, masked: Masked, batch_ids: BatchIds) -> Integers:
        """Return bits that tell messages apart whose texts are equal."""
        # A null and an empty value have the same text, but not the same defect.
        is_null = messages["value"].is_null().to_numpy(zero_copy_only=False)
        what: Integers = masked.what | (is_null.astype(np.int64) << _NULL)
        if self._finder.is_in_column:
            what = what << 1 | batch_ids.is_there
            what |= batch_ids.is_without.astype(np.int64) << _WITHOUT
        names = self.expected.message_format.context_headers
        required = self.expected.message_format.required_headers
        if names or required:
            context = context_of(messages["headers"], names, required, self._contexts)
            what |= context << _CONTEXT
        return what

    def _texts(
        self, masked: Masked, batch_ids: BatchIds
    ) -> tuple[list[tuple[bytes, int]], Integers]:
        """Return the distinct texts with their shape numbers, and for each row its text's index."""
        texts: list[bytes] = masked.texts.dictionary.to_pylist()
        place: Integers = masked.texts.indices.to_numpy().astype(np.int64)
        if self._shapes is None:
            return [(text, 0) for text in texts], place
        shapes = np.where(
            batch_ids.is_there, self._shapes.numbers(batch_ids.generator, batch_ids.seq), 0
        )
        width = len(self._shapes.shapes) + 1
        pairs, places = np.unique(place * width + shapes, return_inverse=True)
        return [(texts[pair // width], int(pair % width)) for pair in pairs], places

    def _text(
        self, key: _Text, messages: pa.RecordBatch, row: int, batch_ids: BatchIds
    ) -> ReadMessage | None:
        """Read the shared content of all messages with the same masked text.

        Return None if each must be read by itself.
        """
        if key not in self._known:
            if self._known_bytes > _MOST_REMEMBERED_BYTES:
                self._forget()
            self._known_bytes += len(key[0]) + _BYTES_PER_TEXT
            record = record_of(messages, row)
            if batch_ids.is_there[row]:
                self._known[key] = self._with_id(record, key[0], batch_ids.identity(row))
            else:
                self._known[key] = self._without_id(record, is_sure=bool(batch_ids.is_without[row]))
        return self._known[key]

    def _masked_messages(self, messages: pa.RecordBatch, batch_ids: BatchIds) -> Masked:
        """Mask the messages; if most texts are new, sample which fields make them differ."""
        texts = batch_ids.texts
        masked = batch_ids.masked(self._volatile)
        is_volatile = len(masked.texts.dictionary) > max(_FEW_TEXTS, _NOISY * len(texts.values))
        is_json = self.expected.message_format.id_text is IdText.JSON
        if not (is_volatile and is_json) or self._samplings >= _MOST_SAMPLINGS:
            return masked
        self._samplings += 1
        rows = np.linspace(0, len(texts.values) - 1, _SAMPLED, dtype=np.int64)
        records = [record_of(messages, int(row)) for row in rows]
        sample = [(record.value or b"", self._decoded(record)) for record in records]
        more = volatile_fields.differing(sample, self._names_read(parsed for _, parsed in sample))
        if not more:
            return masked
        self._volatile = (*self._volatile, *more)[: volatile_fields.MOST_FIELDS]
        self._forget()
        return batch_ids.masked(self._volatile)

    def _names_read(self, sample: Iterable[ParsedMessage]) -> set[str]:
        """Return the names of fields that must be read in each message."""
        names = {*self.expected.names_compared, *self._finder.spellings, EVENT_TYPE_FIELD}
        # Other spellings of the id field are read in each message, too.
        names |= {name for message in sample for name in self._finder.names_in(message)}
        return names | {known.name for known in self._volatile}

    def _forget(self) -> None:
        self._known.clear()
        self._known_bytes = 0

    def _decoded(self, record: Record) -> ParsedMessage:
        return self.expected.message_format.decode(record)

    def _with_id(self, record: Record, text: bytes, identity: str) -> ReadMessage | None:
        """Read one message for all that differ from it only in their ids and the masked bytes."""
        parsed = self._decoded(record)
        if not self._finder.is_in_column:
            # The masked id keeps its prefix in the text; another prefix would be a second id.
            is_once = text.count(self.expected.ids.prefix.encode()) == 1
            if not is_once or not self._is_apart(record, parsed):
                return None
        elif self._volatile and not self._is_apart(record, parsed):
            return None
        content = self._content(parsed, record)
        if self._finder.is_in_column and content.defect is not None:
            return self._defective(content, record)
        return ReadMessage(content, MessageKind.CLAIMED) if content.identity == identity else None

    def _without_id(self, record: Record, *, is_sure: bool) -> ReadMessage | None:
        """Read one message for all with the same masked text, none with an id in plain text."""
        parsed = self._decoded(record)
        if self._volatile and not self._is_apart(record, parsed):
            return None
        if is_sure:
            return self._classified(parsed, replace(record, key=None, headers=()))
        return self._classified(parsed, record) if self._is_id_in_value else None

    @property
    def _is_id_in_value(self) -> bool:
        """Whether the id depends on the value alone; a JSON pointer may lead to a header."""
        location, message_format = self.expected.location, self.expected.message_format
        is_in_event = location.kind is LocationKind.FIELD
        return location.is_in_value and (is_in_event or not message_format.needs_headers)

    def _is_apart(self, record: Record, parsed: ParsedMessage) -> bool:
        if self.expected.message_format.id_text is not IdText.JSON:
            return parsed.event is not None
        return volatile_fields.is_apart(record.value or b"", parsed, self._volatile)

    def _read(self, record: Record) -> ReadMessage:
        """Read a message by itself."""
        return self._classified(self._decoded(record), record)

    def _classified(self, parsed: ParsedMessage, record: Record) -> ReadMessage:
        content = self._content(parsed, record)
        ids, identity = self.expected.ids, content.identity
        if content.defect is not None:
            return self._defective(content, record)
        if identity is None or not ids.claims(identity):
            return ReadMessage(content, MessageKind.FOREIGN)
        event_id = ids.parse(identity)
        if event_id is None:
            return ReadMessage(content, MessageKind.PHANTOM)
        return ReadMessage(content, MessageKind.CLAIMED, event_id.generator, event_id.seq)

    def _defective(self, content: Content, record: Record) -> ReadMessage:
        ids, location = self.expected.ids, self.expected.location
        parts = [record.value]
        if not location.is_in_value:
            parts += [record.key, *(value for _, value in record.headers)]
        is_garbled = any(map(ids.is_in, parts))
        content = Content(defect=self._bounded(content.defect or ""))
        return ReadMessage(content, MessageKind.GARBLED if is_garbled else MessageKind.MALFORMED)

    def _content(self, parsed: ParsedMessage, record: Record) -> Content:
        """Read a message's id and event type, and its digest over each shape that it can have.

        A message with a repeated key has no digest, because it never matches the request.
        """
        event = parsed.event
        if event is None:
            return Content(parsed.defect)
        seen = self._place.seen(parsed, record)
        if seen.defect is not None:
            return Content(seen.defect)
        shapes = () if parsed.repeated else self._shapes_of(seen.text)
        return Content(
            identity=seen.text,
            event_type=parsed.event_type or type_text(event.get(EVENT_TYPE_FIELD)),
            digests=tuple(digests_over(event, shapes)),
        )

    def _shapes_of(self, identity: str | None) -> Sequence[str]:
        """Return the shapes that the event with this id can have."""
        if self._shapes is None:
            return self.expected.shapes
        event_id = None if identity is None else self.expected.ids.parse(identity)
        return () if event_id is None else self._shapes.of(event_id.generator, event_id.seq)

    def _bounded(self, defect: str) -> str:
        """Drop the schema number from a defect if there are very many schemas."""
        name, _, schema = defect.partition(", schema ")
        if schema and len(self._schemas) < _MOST_SCHEMAS:
            self._schemas.add(schema)
        return name if schema and schema not in self._schemas else defect


_EMPTY = ReadMessage(Content(defect="empty"), MessageKind.MALFORMED)


def _first_rows(place: Integers, count: int) -> Integers:
    """Return the first row of each place."""
    first = np.zeros(count, np.int64)
    first[place[::-1]] = np.arange(len(place) - 1, -1, -1)
    return first
