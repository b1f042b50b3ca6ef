"""A record header; its name is compared without regard to case."""

from dataclasses import dataclass

import pyarrow as pa

from headcount_analysis.id_places.header_rows import HeaderRows
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
    """Return a header's value for each message; uncertain where the header is repeated."""
    column = HeaderRows.of(headers).column(name)
    return IdColumn(column.texts, ~column.is_repeated)
