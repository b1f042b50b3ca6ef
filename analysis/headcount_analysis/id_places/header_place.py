"""A record header; its name is compared without regard to case."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headcount_analysis.arrow_types import Integers
from headcount_analysis.id_places.id_place import IdColumn, SeenId, only
from headcount_analysis.messages.json_message import ParsedMessage
from headcount_analysis.messages.record import Record


@dataclass(frozen=True, slots=True)
class HeaderPlace:
    """The record header `name`."""

    name: str
    needs_headers: bool = True

    def seen(self, _message: ParsedMessage, record: Record) -> SeenId:
        """Return the header's text; the header must not occur twice."""
        texts = [value.decode(errors="replace") for value in header_values(record, self.name)]
        return only(texts, f"in the record header {self.name}")

    def column(self, messages: pa.RecordBatch) -> IdColumn:
        """Return the header of each message."""
        return header_column(messages["headers"], self.name)


def header_values(record: Record, name: str) -> list[bytes]:
    """Return the values of a record's header, in their order."""
    wanted = name.casefold()
    return [
        value for key, value in record.headers if key.casefold() == wanted and value is not None
    ]


def header_column(headers: pa.Array, name: str) -> IdColumn:
    """Return a header's value for each message; it is unsure where it occurs more than once."""
    rows = len(headers)
    entries = headers.flatten()
    names = entries.field("key")
    is_one = pc.equal(pc.utf8_lower(names), name.casefold()).fill_null(False)
    at = np.flatnonzero(is_one.to_numpy(zero_copy_only=False))
    lengths = pc.list_value_length(headers).fill_null(0).to_numpy(zero_copy_only=False)
    owner: Integers = np.repeat(np.arange(rows), lengths)[at]
    place = np.full(rows, -1, np.int64)
    place[owner] = at
    texts = entries.field("value").take(pa.array(place, mask=place < 0))
    return IdColumn(texts, np.bincount(owner, minlength=rows) <= 1)
