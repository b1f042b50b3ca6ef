"""The id finder: finds the ids of a batch's messages together, wherever the messages carry them.

An id in JSON comes after the name of its field. Services spell the name of a header in several
ways, so the spellings are sampled from messages without an id.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from headcount_analysis.batches.batch_ids import (
    BatchIds,
    ids_anywhere,
    ids_in_column,
    ids_in_fields,
    no_ids,
)
from headcount_analysis.batches.expected import Expected
from headcount_analysis.formats.message_format import IdText
from headcount_analysis.id_places.field_place import FieldPlace
from headcount_analysis.id_places.id_place import ColumnPlace, IdPlace
from headcount_analysis.id_places.pointer_place import PointerPlace
from headcount_analysis.messages.json_message import ParsedMessage
from headcount_analysis.messages.record import record_of

_NAMED = (FieldPlace, PointerPlace)

_MOST_SAMPLINGS, _SAMPLED = 8, 16
_MOST_SPELLINGS = 4
_LENGTH_SHIFTS = {IdText.AVRO: 1, IdText.PROTOBUF: 0}


@dataclass(slots=True)
class IdFinder:
    """Finds ids; `spellings` are the names of the fields in which it looks for them.

    `prefix` begins each id, and `is_in_column` says whether ids are beside the values of messages.
    """

    expected: Expected
    place: IdPlace
    spellings: tuple[str, ...] = ()
    _samplings: int = 0
    prefix: bytes = field(init=False)
    is_in_column: bool = field(init=False)
    _id_text: IdText = field(init=False)

    def __post_init__(self) -> None:
        """Start with the location's own name as the only spelling."""
        self.prefix = self.expected.ids.prefix.encode()
        self.is_in_column = isinstance(self.place, ColumnPlace)
        location = self.expected.location
        self._id_text = self.expected.message_format.id_text
        self.spellings = location.path[-1:] or (location.name,)

    def names_in(self, message: ParsedMessage) -> tuple[str, ...]:
        """Return the fields of a message that hold its id."""
        return self.place.names_in(message) if isinstance(self.place, _NAMED) else ()

    def find(self, messages: pa.RecordBatch, values: pa.Array) -> BatchIds:
        """Find the ids of rows of `topic_range.MESSAGES`; `values` are their values, none null."""
        ids = self.expected.ids
        if isinstance(self.place, ColumnPlace):
            return ids_in_column(values, ids, self.place.column(messages))
        if not self.expected.location.is_in_value:
            return no_ids(values, ids)
        if self._id_text in {IdText.JSON, IdText.CHECKED_JSON}:
            return self._in_fields(messages, values)
        if self._id_text in _LENGTH_SHIFTS and not self._is_compared:
            return ids_anywhere(values, ids, _LENGTH_SHIFTS[self._id_text])
        return no_ids(values, ids)

    @property
    def _is_compared(self) -> bool:
        """Whether the field of the id is compared, so that it must be read in each message."""
        return not self.expected.names_compared.isdisjoint(self.spellings)

    def _in_fields(self, messages: pa.RecordBatch, values: pa.Array) -> BatchIds:
        """Find the ids in messages; if some lack one, sample how they spell the field's name."""
        batch_ids = self._with_spellings(values)
        missing = np.flatnonzero(~batch_ids.is_there)
        can_sample = isinstance(self.place, _NAMED) and self.place.has_spellings
        if not (len(missing) and can_sample and self._samplings < _MOST_SAMPLINGS):
            return batch_ids
        self._samplings += 1
        rows = missing[np.linspace(0, len(missing) - 1, _SAMPLED, dtype=np.int64)]
        new = self._new_spellings(messages, [int(row) for row in rows])
        if not new:
            return batch_ids
        self.spellings = (*new, *self.spellings)[:_MOST_SPELLINGS]
        return self._with_spellings(values)

    def _new_spellings(self, messages: pa.RecordBatch, rows: Sequence[int]) -> list[str]:
        decode = self.expected.message_format.decode
        sample = [decode(record_of(messages, row)) for row in rows]
        names = dict.fromkeys(name for message in sample for name in self.names_in(message))
        return [name for name in names if name not in self.spellings]

    def _with_spellings(self, values: pa.Array) -> BatchIds:
        # A compared field must be read in each message, so it cannot be masked. For a pointer, a
        # variant of the message shows whether its field is compared (see `variants.py`).
        is_field = isinstance(self.place, FieldPlace)
        compared = self.expected.names_compared if is_field else frozenset()
        names = [name for name in self.spellings if name not in compared]
        return ids_in_fields(values, self.expected.ids, names)
