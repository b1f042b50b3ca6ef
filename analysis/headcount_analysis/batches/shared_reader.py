"""The shared reader: reads one message for all that differ from it only where they are masked.

That is right only if nothing that is read, except the id, depends on the masked bytes. For some
formats and places of ids, it is enough to check that the text has no escapes, that the id occurs in
it once, and that this is the id at the run's location. For the others, that proves too little, so a
variant of the message is read, too (see `variants.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa

from headcount.run.id_location import LocationKind
from headcount_analysis.batches import volatile_fields
from headcount_analysis.batches.batch_ids import BatchIds, Masked
from headcount_analysis.batches.batch_table import ReadContent, ReadMessage
from headcount_analysis.batches.id_finder import IdFinder
from headcount_analysis.batches.single_reader import SingleReader
from headcount_analysis.batches.variants import is_same, variant_of
from headcount_analysis.field_spans.json_spans import Field
from headcount_analysis.formats.json_format import is_plain_json
from headcount_analysis.formats.message_format import IdText, reads_headers
from headcount_analysis.messages.json_message import ParsedMessage
from headcount_analysis.messages.kinds import MessageKind
from headcount_analysis.messages.record import Record


@dataclass(frozen=True, slots=True)
class MaskedBatch:
    """Messages of `topic_range.MESSAGES`, their ids, and the texts with ids and `fields` masked."""

    messages: pa.RecordBatch
    ids: BatchIds
    masked: Masked
    fields: Sequence[Field]

    def altered(self, record: Record, row: int) -> bytes | None:
        """Return a message's value with other bytes in its volatile fields."""
        if not self.fields:
            return record.value
        return self.ids.texts.altered(row, self.masked.volatile)


@dataclass(slots=True)
class SharedReader:
    """Reads one message for several."""

    finder: IdFinder
    single: SingleReader
    _is_in_field: bool = field(init=False)
    _is_json: bool = field(init=False)
    _is_plain: bool = field(init=False)

    def __post_init__(self) -> None:
        """Prepare the values that every message needs."""
        message_format = self.single.expected.message_format
        self._is_in_field = self.single.expected.location.kind is LocationKind.FIELD
        self._is_json = message_format.id_text in {IdText.JSON, IdText.CHECKED_JSON}
        self._is_plain = is_plain_json(message_format)

    def is_proven(self, batch: MaskedBatch) -> bool:
        """Whether no variants need be read."""
        is_id_proven = self._is_in_field or self.finder.is_in_column
        return is_id_proven and self._is_proven_without_id(batch)

    def read(self, batch: MaskedBatch, row: int, record: Record, text: bytes) -> ReadMessage | None:
        """Read the message in a row for all with the same masked text.

        Return None if each must be read by itself.
        """
        if batch.ids.is_there[row]:
            return self._with_id(batch, row, record, text)
        return self._without_id(batch, row, record)

    def _with_id(
        self, batch: MaskedBatch, row: int, record: Record, text: bytes
    ) -> ReadMessage | None:
        """Read one message for all that differ from it only in their ids and the masked bytes."""
        parsed = self.single.decoded(record)
        is_in_column, identity = self.finder.is_in_column, batch.ids.identity(row)
        if not is_in_column:
            # The masked id keeps its prefix in the text; the prefix once more would be a second id.
            is_once = text.count(self.finder.prefix) == 1
            if not is_once or not self._is_apart(batch, record, parsed):
                return None
        elif batch.fields and not self._is_apart(batch, record, parsed):
            return None
        content = self.single.content(parsed, record)
        if is_in_column and content.defect is not None:
            return self.single.defective(content, record)
        if content.identity != identity:
            return None
        masked_id = None if is_in_column else identity
        is_shared = self._is_independent(batch, row, record, content, masked_id)
        return ReadMessage(content, MessageKind.CLAIMED) if is_shared else None

    def _without_id(self, batch: MaskedBatch, row: int, record: Record) -> ReadMessage | None:
        """Read one message for all with the same masked text, which has no id in plain text."""
        is_sure = bool(batch.ids.is_without[row])
        if not is_sure and not self._is_id_in_value:
            return None
        parsed = self.single.decoded(record)
        if batch.fields:
            content = self.single.content(parsed, record)
            # All bytes of a message with a defect decide whether it is garbled.
            if content.defect is not None or not self._is_apart(batch, record, parsed):
                return None
            if not self._is_independent(batch, row, record, content, None):
                return None
        beside = replace(record, key=None, headers=()) if is_sure else record
        return self.single.classified(parsed, beside)

    def _is_independent(
        self,
        batch: MaskedBatch,
        row: int,
        record: Record,
        content: ReadContent,
        identity: str | None,
    ) -> bool:
        """Whether the content does not depend on the masked bytes, except for the id in them.

        `identity` is None if the id is not masked.
        """
        if (identity is None or self._is_in_field) and self._is_proven_without_id(batch):
            return True
        altered = batch.altered(record, row)
        variant = variant_of(record, altered, identity, self.single.expected.ids)
        return content.defect is None and is_same(self.single, content, variant)

    def _is_proven_without_id(self, batch: MaskedBatch) -> bool:
        """Whether `_is_apart` proves that nothing but an id depends on the masked bytes.

        In plain JSON, what is read of a message depends only on fields that are not masked. In any
        other format, more than the event's fields may matter. `_is_apart` is then proof only if no
        field is masked and no header is read.
        """
        message_format = self.single.expected.message_format
        return self._is_plain or not (batch.fields or reads_headers(message_format))

    @property
    def _is_id_in_value(self) -> bool:
        """Whether the id depends on the value alone; a JSON pointer may lead to a header."""
        expected = self.single.expected
        is_in_value = expected.location.is_in_value
        return is_in_value and (self._is_in_field or not reads_headers(expected.message_format))

    def _is_apart(self, batch: MaskedBatch, record: Record, parsed: ParsedMessage) -> bool:
        if not self._is_json:
            return parsed.event is not None
        return volatile_fields.is_apart(record.value or b"", parsed, batch.fields)
