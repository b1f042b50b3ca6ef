"""The volatile masker: masks the ids and fields that differ in every message of a batch.

Messages that become equal by masking are read only once. This masking has nothing to do with
secrets, which `headcount/run/secret_names.py` recognizes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from headcount_analysis.batches import volatile_fields
from headcount_analysis.batches.batch_ids import BatchIds, Masked
from headcount_analysis.batches.id_finder import IdFinder
from headcount_analysis.batches.single_reader import SingleReader
from headcount_analysis.field_spans.byte_rows import ByteSpan
from headcount_analysis.field_spans.json_spans import Field, json_span
from headcount_analysis.formats.message_format import IdText, SpanFormat
from headcount_analysis.messages.json_message import ParsedMessage
from headcount_analysis.messages.kinds import EVENT_TYPE_FIELD
from headcount_analysis.messages.record import records_of

_NOISY, _FEW_TEXTS = 0.2, 50
_WORTHWHILE = 0.05
"""More fields are masked only if that saves reading this share of the messages. Masking a message
takes about a hundredth of the time of reading it."""

_MOST_SAMPLINGS, _SAMPLED = 8, 64


@dataclass(slots=True)
class VolatileMasker:
    """Masks ids, and the volatile `fields` that it knows so far."""

    finder: IdFinder
    single: SingleReader
    fields: tuple[Field, ...] = ()
    _samplings: int = 0

    def masked(self, messages: pa.RecordBatch, batch_ids: BatchIds) -> Masked:
        """Mask messages; if many differ even so, find out from a sample which fields differ.

        From now on, those fields are masked, too, if that leaves fewer different messages.
        """
        masked = batch_ids.masked(self._spans(messages, batch_ids, self.fields))
        texts, rows = len(masked.texts.dictionary), len(messages)
        is_volatile = self._has_spans and texts > max(_FEW_TEXTS, _NOISY * rows)
        if not is_volatile or self._samplings >= _MOST_SAMPLINGS:
            return masked
        self._samplings += 1
        fields = (*self.fields, *self._sampled(messages))[: volatile_fields.MOST_FIELDS]
        if fields == self.fields:
            return masked
        masked_more = batch_ids.masked(self._spans(messages, batch_ids, fields))
        if texts - len(masked_more.texts.dictionary) < _WORTHWHILE * rows:
            return masked
        self.fields = fields
        return masked_more

    @property
    def _has_spans(self) -> bool:
        """Whether fields can be found in many messages together."""
        message_format = self.single.expected.message_format
        return message_format.id_text is IdText.JSON or isinstance(message_format, SpanFormat)

    def _spans(
        self, messages: pa.RecordBatch, batch_ids: BatchIds, fields: Sequence[Field]
    ) -> list[ByteSpan]:
        """Find the values of fields in messages."""
        message_format = self.single.expected.message_format
        if not fields or not isinstance(message_format, SpanFormat):
            return [json_span(batch_ids.texts, field) for field in fields]
        spans = message_format.field_spans(batch_ids.texts, messages["headers"], fields)
        # Where an id was found in such a field, the field is not masked: the id may not be the
        # message's own.
        return [span.apart_from(batch_ids.spans) for span in spans]

    def _sampled(self, messages: pa.RecordBatch) -> tuple[Field, ...]:
        """Return the volatile fields in a sample of messages, without those already known."""
        rows = np.linspace(0, len(messages) - 1, _SAMPLED, dtype=np.int64)
        records = records_of(messages.take(pa.array(rows)))
        sample = [(record.value or b"", self.single.decoded(record)) for record in records]
        names_read = self._names_read(parsed for _, parsed in sample)
        is_json = self.single.expected.message_format.id_text in {IdText.JSON, IdText.CHECKED_JSON}
        return volatile_fields.differing(sample, names_read, is_json=is_json)

    def _names_read(self, sample: Iterable[ParsedMessage]) -> set[str]:
        """Return the names of fields that must be read in each message."""
        compared = self.single.expected.names_compared
        names = {*compared, *self.finder.spellings, EVENT_TYPE_FIELD}
        # Other spellings of the id field are read in each message, too.
        names |= {name for message in sample for name in self.finder.names_in(message)}
        return names | {known.name for known in self.fields}
