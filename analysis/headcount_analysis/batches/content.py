"""Content: reads the messages of a batch, from bytes to kinds and digests.

Load tests publish the same few messages over and over, each with its own id. So the digits of this
run's ids are masked if they are plain text, and so are fields that were not requested and differ in
every message (see `volatile_fields.py`). Each remaining text is read once, for all messages that
share it. A message is masked only if nothing read from it can depend on the masked bytes: the text
has no escapes, the id occurs in it once, and it is the id at the run's location. Where that is not
enough, a variant of the message is read, too (see `variants.py`). Every other message is read by
itself, and so is one whose text is new and occurs once.

An id beside the value, in the key or a header, is read for all messages of a batch together; then
messages share what was read if their whole values are equal.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa

from headcount.run.id_location import LocationKind
from headcount_analysis.arrow_types import Flags, Integers
from headcount_analysis.batches import volatile_fields
from headcount_analysis.batches.batch_ids import BatchIds, Masked
from headcount_analysis.batches.batch_table import Batch, ReadContent, ReadMessage, batch_table
from headcount_analysis.batches.expected import Expected
from headcount_analysis.batches.header_context import HeaderContexts
from headcount_analysis.batches.id_finder import IdFinder
from headcount_analysis.batches.run_mentions import beside_values
from headcount_analysis.batches.single_reader import SingleReader
from headcount_analysis.batches.variants import is_same, variant_of
from headcount_analysis.formats.message_format import IdText, reads_headers
from headcount_analysis.messages.json_message import ParsedMessage
from headcount_analysis.messages.kinds import EVENT_TYPE_FIELD, MessageKind
from headcount_analysis.messages.record import Record, record_of, records_of

_MOST_REMEMBERED_BYTES = 64 << 20

_NOISY, _FEW_TEXTS = 0.2, 50

_MOST_SAMPLINGS, _SAMPLED = 8, 64

_BYTES_PER_TEXT = 1000  # about the memory that a remembered text needs in addition to its own bytes

_NULL, _THERE, _WITHOUT, _CONTEXT = 30, 31, 32, 33  # bits that are used for no masked span

_Text = tuple[bytes, int, int]
"""A masked text, the bits that tell it apart, and the number of its attempt's shape."""

_EMPTY = ReadMessage(ReadContent(defect="empty"), MessageKind.MALFORMED)
_NOT_YET = ReadMessage(ReadContent(), MessageKind.MALFORMED)
"""Stands for a text that occurred once, and was read by itself."""


@dataclass(slots=True)
class Reader:
    """Reads batch after batch, and remembers the texts it has read."""

    expected: Expected
    _known: dict[_Text, ReadMessage | None] = field(default_factory=dict)
    _known_bytes: int = 0
    _volatile: tuple[volatile_fields.Field, ...] = ()
    _samplings: int = 0
    _contexts: HeaderContexts = field(init=False)
    _single: SingleReader = field(init=False)
    _finder: IdFinder = field(init=False)

    def __post_init__(self) -> None:
        """Prepare the values that every batch needs."""
        place, shapes = self.expected.place, self.expected.asked_shapes
        message_format = self.expected.message_format
        self._finder = IdFinder(self.expected, place)
        self._single = SingleReader(self.expected, place, None if shapes is None else shapes.read())
        self._contexts = HeaderContexts(
            message_format.context_headers, message_format.required_headers
        )

    def arrivals(self, messages: pa.RecordBatch) -> pa.Table:
        """Return a row of ARRIVALS for each message.

        Args:
            messages: Rows of `topic_range.MESSAGES`.
        """
        batch_ids = self._finder.find(messages, self._values_read(messages))
        masked = self._masked_messages(messages, batch_ids)
        texts, place = self._texts(masked, batch_ids, self._what(messages, masked, batch_ids))
        first, counts = _first_rows(place, len(texts)), np.bincount(place, minlength=len(texts))
        known = [
            self._text(text, messages, int(row), batch_ids, is_single=bool(count == 1))
            for text, row, count in zip(texts, first, counts, strict=True)
        ]
        alone = np.array([message is None for message in known])[place]
        alone |= self._is_garbled_beside(messages, known, place)
        at = np.flatnonzero(alone)
        place[at] = len(known) + np.arange(len(at))
        records = records_of(messages.take(pa.array(at))) if len(at) else ()
        reads = [message or _EMPTY for message in known]
        reads.extend(self._single.read(record) for record in records)
        batch = Batch(batch_ids, reads, place, batch_ids.is_there & ~alone)
        return batch_table(messages, batch, self.expected)

    def _values_read(self, messages: pa.RecordBatch) -> pa.Array:
        """Return the values of messages, none null; all empty if nothing is read from them."""
        if self.expected.message_format.id_text is IdText.NONE:
            return pa.repeat(pa.scalar(b"", pa.binary()), len(messages))
        return messages["value"].fill_null(b"")

    def _what(self, messages: pa.RecordBatch, masked: Masked, batch_ids: BatchIds) -> Integers:
        """Return bits that tell messages apart whose texts are equal."""
        # A null and an empty value have the same text, but not the same defect.
        is_null = messages["value"].is_null().to_numpy(zero_copy_only=False)
        what: Integers = masked.what | (is_null.astype(np.int64) << _NULL)
        if self._finder.is_in_column:
            what |= batch_ids.is_there.astype(np.int64) << _THERE
            what |= batch_ids.is_without.astype(np.int64) << _WITHOUT
        if self._contexts.names or self._contexts.required:
            if self._contexts.is_full:
                self._contexts.forget()
                self._forget()
            what |= self._contexts.numbers(messages["headers"]) << _CONTEXT
        return what

    def _texts(
        self, masked: Masked, batch_ids: BatchIds, what: Integers
    ) -> tuple[list[_Text], Integers]:
        """Return the distinct texts, and for each row the index of its text."""
        texts: list[bytes] = masked.texts.dictionary.to_pylist()
        place: Integers = masked.texts.indices.to_numpy().astype(np.int64)
        shapes = self._shape_numbers(batch_ids)
        bits = what[_first_rows(place, len(texts))]
        if shapes is None and np.array_equal(bits[place], what):
            return [(text, bit, 0) for text, bit in zip(texts, bits.tolist(), strict=True)], place
        known_bits, codes = np.unique(what, return_inverse=True)
        keys, width = place * len(known_bits) + codes, 1
        if shapes is not None:
            width = int(shapes.max(initial=0)) + 1
            keys = keys * width + shapes
        distinct, places = np.unique(keys, return_inverse=True)
        return [
            (texts[rest // len(known_bits)], int(known_bits[rest % len(known_bits)]), int(shape))
            for rest, shape in zip(*np.divmod(distinct, width), strict=True)
        ], places

    def _shape_numbers(self, batch_ids: BatchIds) -> Integers | None:
        """Return the number of each attempt's shape, if there are very many shapes."""
        if self._single.shapes is None:
            return None
        numbers = self._single.shapes.numbers(batch_ids.generator, batch_ids.seq)
        shapes: Integers = np.where(batch_ids.is_there, numbers, 0)
        return shapes

    def _text(
        self,
        key: _Text,
        messages: pa.RecordBatch,
        row: int,
        batch_ids: BatchIds,
        *,
        is_single: bool,
    ) -> ReadMessage | None:
        """Read the shared content of all messages with the same masked text.

        Return None if each must be read by itself.
        """
        if key not in self._known:
            if self._known_bytes > _MOST_REMEMBERED_BYTES:
                self._forget()
            self._known_bytes += len(key[0]) + _BYTES_PER_TEXT
            self._known[key] = _NOT_YET
        if self._known[key] is _NOT_YET and not is_single:
            record = record_of(messages, row)
            if batch_ids.is_there[row]:
                self._known[key] = self._with_id(record, key[0], batch_ids.identity(row))
            else:
                self._known[key] = self._without_id(record, is_sure=bool(batch_ids.is_without[row]))
        known = self._known[key]
        return None if known is _NOT_YET else known

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
        sample = [(record.value or b"", self._single.decoded(record)) for record in records]
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

    def _with_id(self, record: Record, text: bytes, identity: str) -> ReadMessage | None:
        """Read one message for all that differ from it only in their ids and the masked bytes."""
        parsed = self._single.decoded(record)
        is_in_column = self._finder.is_in_column
        if not is_in_column:
            # The masked id keeps its prefix in the text; another prefix would be a second id.
            is_once = text.count(self.expected.ids.prefix.encode()) == 1
            if not is_once or not self._is_apart(record, parsed):
                return None
        elif self._volatile and not self._is_apart(record, parsed):
            return None
        content = self._single.content(parsed, record)
        if is_in_column and content.defect is not None:
            return self._single.defective(content, record)
        if content.identity != identity:
            return None
        is_shared = self._is_independent(record, content, None if is_in_column else identity)
        return ReadMessage(content, MessageKind.CLAIMED) if is_shared else None

    def _without_id(self, record: Record, *, is_sure: bool) -> ReadMessage | None:
        """Read one message for all with the same masked text, none with an id in plain text."""
        if not is_sure and not self._is_id_in_value:
            return None
        parsed = self._single.decoded(record)
        if self._volatile:
            content = self._single.content(parsed, record)
            if not self._is_apart(record, parsed) or not self._is_independent(record, content):
                return None
        beside = replace(record, key=None, headers=()) if is_sure else record
        return self._single.classified(parsed, beside)

    def _is_independent(
        self, record: Record, content: ReadContent, identity: str | None = None
    ) -> bool:
        """Whether the content does not depend on the masked bytes, except for the id in them.

        For JSON, `_is_apart` proves it if only an id in a field is masked.
        """
        is_in_field = identity is None or self.expected.location.kind is LocationKind.FIELD
        if not self._volatile and is_in_field and not reads_headers(self.expected.message_format):
            return True
        variant = variant_of(record, identity, self.expected.ids, self._volatile)
        return content.defect is None and is_same(self._single, content, variant)

    def _is_garbled_beside(
        self, messages: pa.RecordBatch, known: Sequence[ReadMessage | None], place: Integers
    ) -> Flags:
        """Mark malformed messages that may have an id of the run in another header or the key."""
        kinds = [message is not None and message.kind is MessageKind.MALFORMED for message in known]
        is_malformed: Flags = np.array(kinds)[place]
        if self.expected.location.is_in_value or not is_malformed.any():
            return np.zeros(len(place), np.bool_)
        is_mentioned: Flags = is_malformed & beside_values(messages, self.expected.ids)
        return is_mentioned

    @property
    def _is_id_in_value(self) -> bool:
        """Whether the id depends on the value alone; a JSON pointer may lead to a header."""
        location, message_format = self.expected.location, self.expected.message_format
        is_in_event = location.kind is LocationKind.FIELD
        return location.is_in_value and (is_in_event or not reads_headers(message_format))

    def _is_apart(self, record: Record, parsed: ParsedMessage) -> bool:
        if self.expected.message_format.id_text not in {IdText.JSON, IdText.CHECKED_JSON}:
            return parsed.event is not None
        return volatile_fields.is_apart(record.value or b"", parsed, self._volatile)


def _first_rows(place: Integers, count: int) -> Integers:
    """Return the first row of each place."""
    first = np.zeros(count, np.int64)
    first[place[::-1]] = np.arange(len(place) - 1, -1, -1)
    return first
