"""The record's key."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from headcount_analysis.id_places.id_place import IdColumn, SeenId
from headcount_analysis.messages.json_message import ParsedMessage
from headcount_analysis.messages.record import Record


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """The key, as a text."""

    needs_headers: bool = False

    def seen(self, _message: ParsedMessage, record: Record) -> SeenId:
        """Return the key."""
        return SeenId(None if record.key is None else record.key.decode(errors="replace"))

    def column(self, messages: pa.RecordBatch) -> IdColumn:
        """Return the keys."""
        return IdColumn(messages["key"], np.ones(len(messages), np.bool_))
