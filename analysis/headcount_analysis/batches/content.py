"""Content: reads the messages of a batch, from bytes to kinds and digests.

Load tests publish the same few messages over and over, each with its own id. So whatever differs in
every message is masked: the digits of this run's ids, if they are plain text, and the fields that
were not requested (see `volatile_masker.py`; `field_spans/` finds where they are).
Each remaining text is read once, for all messages that share it (see `shared_reader.py`). A message
is read by itself if its text cannot be shared. Some texts can be shared only after a variant of the
message has been read, too (`variants.py`). No variant is read until a second message has the text;
before that, the first message is read by itself.

If the id is beside the value, in the key or a header, the ids of all messages of a batch are read
together. Messages whose whole values are equal then share what was read.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from headcount.gc_control import uncollected
from headcount_analysis.arrow_types import Flags, Integers
from headcount_analysis.batches.batch_ids import BatchIds, Masked
from headcount_analysis.batches.batch_table import Batch, ReadContent, ReadMessage, batch_table
from headcount_analysis.batches.expected import Expected
from headcount_analysis.batches.header_context import HeaderContexts
from headcount_analysis.batches.id_finder import IdFinder
from headcount_analysis.batches.run_mentions import beside_values
from headcount_analysis.batches.shared_reader import MaskedBatch, SharedReader
from headcount_analysis.batches.single_reader import SingleReader
from headcount_analysis.batches.volatile_masker import VolatileMasker
from headcount_analysis.formats.message_format import IdText
from headcount_analysis.messages.kinds import MessageKind
from headcount_analysis.messages.record import records_of

_MOST_REMEMBERED_BYTES = 64 << 20

_BYTES_PER_TEXT = 1000  # approximate bytes that a remembered text needs in addition to its own

_NULL, _THERE, _WITHOUT, _CONTEXT = 30, 31, 32, 33  # bits that no masked span uses

_Text = tuple[bytes, int, int]
"""A masked text, the bits that distinguish it from equal ones, and its attempt's shape number."""

_EMPTY = ReadMessage(ReadContent(defect="empty"), MessageKind.MALFORMED)
_NEW = ReadMessage(ReadContent(), MessageKind.MALFORMED)
"""Stands for a text that was not read before."""
_ONCE = ReadMessage(ReadContent(), MessageKind.MALFORMED)
"""Stands for a text that occurred once, and was read by itself."""


@dataclass(slots=True)
class Reader:
    """Reads batch after batch, and remembers the texts it has read."""

    expected: Expected
    _known: dict[_Text, ReadMessage | None] = field(default_factory=dict)
    _known_bytes: int = 0
    _contexts: HeaderContexts = field(init=False)
    _single: SingleReader = field(init=False)
    _finder: IdFinder = field(init=False)
    _masker: VolatileMasker = field(init=False)
    _sharing: SharedReader = field(init=False)

    def __post_init__(self) -> None:
        """Prepare the values that every batch needs."""
        place, shapes = self.expected.place, self.expected.asked_shapes
        message_format = self.expected.message_format
        self._finder = IdFinder(self.expected, place)
        self._single = SingleReader(self.expected, place, None if shapes is None else shapes.read())
        self._masker = VolatileMasker(self._finder, self._single)
        self._sharing = SharedReader(self._finder, self._single)
        self._contexts = HeaderContexts(
            message_format.context_headers, message_format.required_headers
        )

    def arrivals(self, messages: pa.RecordBatch) -> pa.Table:
        """Return a row of ARRIVALS for each message.

        Garbage collection is off meanwhile: it would look at all remembered texts, over and over.

        Args:
            messages: Rows of `topic_range.MESSAGES`.
        """
        with uncollected():
            return self._arrivals(messages)

    def _arrivals(self, messages: pa.RecordBatch) -> pa.Table:
        batch_ids = self._finder.find(messages, self._values_read(messages))
        masked = self._masked(messages, batch_ids)
        texts, place = self._texts(masked, batch_ids, self._what(messages, masked, batch_ids))
        first, counts = _first_rows(place, len(texts)), np.bincount(place, minlength=len(texts))
        masked_batch = MaskedBatch(messages, batch_ids, masked, self._masker.fields)
        known = self._read_for_all(masked_batch, texts, first, counts)
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
        """Return bits that distinguish messages whose texts are equal."""
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
        """Return the number of each attempt's shape; None unless there are very many shapes."""
        if self._single.shapes is None:
            return None
        numbers = self._single.shapes.numbers(batch_ids.generator, batch_ids.seq)
        shapes: Integers = np.where(batch_ids.is_there, numbers, 0)
        return shapes

    def _masked(self, messages: pa.RecordBatch, batch_ids: BatchIds) -> Masked:
        """Mask the messages; if more fields are masked now, forget the texts read before."""
        fields = self._masker.fields
        masked = self._masker.masked(messages, batch_ids)
        if self._masker.fields is not fields:
            self._forget()
        return masked

    def _read_for_all(
        self, batch: MaskedBatch, texts: Sequence[_Text], first: Integers, counts: Integers
    ) -> list[ReadMessage | None]:
        """Read, for each text, what all messages with that text share.

        An entry is None if each message with that text must be read by itself. `first` has the
        first row with each text, and `counts` the number of rows with it.
        """
        known = [self._known.get(text, _NEW) for text in texts]
        is_read = (counts > (0 if self._sharing.is_proven(batch) else 1)).tolist()
        unread = []
        for place, message in enumerate(known):
            if message is _ONCE or (message is _NEW and is_read[place]):
                unread.append(place)
            elif message is _NEW:
                self._remember(texts[place], _ONCE)
                known[place] = None
        rows = first[unread]
        records = records_of(batch.messages.take(pa.array(rows))) if unread else ()
        for place, row, record in zip(unread, rows.tolist(), records, strict=True):
            known[place] = self._sharing.read(batch, row, record, texts[place][0])
            self._remember(texts[place], known[place])
        return known

    def _remember(self, text: _Text, message: ReadMessage | None) -> None:
        if self._known_bytes > _MOST_REMEMBERED_BYTES:
            self._forget()
        if text not in self._known:
            self._known_bytes += len(text[0]) + _BYTES_PER_TEXT
        self._known[text] = message

    def _forget(self) -> None:
        self._known.clear()
        self._known_bytes = 0

    def _is_garbled_beside(
        self, messages: pa.RecordBatch, known: Sequence[ReadMessage | None], place: Integers
    ) -> Flags:
        """Mark malformed messages that may have an id of the run in their key or headers.

        If ids are in the values, keys and headers do not count.
        """
        kinds = [message is not None and message.kind is MessageKind.MALFORMED for message in known]
        is_malformed: Flags = np.array(kinds)[place]
        if self.expected.location.is_in_value or not is_malformed.any():
            return np.zeros(len(place), np.bool_)
        is_mentioned: Flags = is_malformed & beside_values(messages, self.expected.ids)
        return is_mentioned


def _first_rows(place: Integers, count: int) -> Integers:
    """Return the first row with each of `count` texts; `place` has the index of each row's text."""
    first = np.zeros(count, np.int64)
    first[place[::-1]] = np.arange(len(place) - 1, -1, -1)
    return first
