"""The interface of an id place, which a user's own package can implement.

An entry point of the group `headcount.id_places` names a class. `--id-at NAME:ARGUMENT` then makes
one with the argument, which is empty without a colon.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import pyarrow as pa

from headcount_analysis.arrow_types import Flags
from headcount_analysis.messages.json_message import ParsedMessage
from headcount_analysis.messages.record import Record


@dataclass(frozen=True, slots=True)
class SeenId:
    """What a message has at a place: a text, or a defect of the message, or neither."""

    text: str | None = None
    defect: str | None = None


class IdPlace(Protocol):
    """Finds the text that should be an id in a message."""

    @property
    def needs_headers(self) -> bool:
        """Whether it looks at record headers, which are only read if they are needed."""

    def seen(self, message: ParsedMessage, record: Record) -> SeenId:
        """Return the text at this place of a message. Two texts that differ are a defect."""


@dataclass(frozen=True, slots=True)
class IdColumn:
    """The texts at a place beside the values of messages: binary, null where there is none.

    Where `is_sure` is false, the place has several texts: the id may be another one of them, or the
    message may have a defect.
    """

    texts: pa.Array
    is_sure: Flags


@runtime_checkable
class ColumnPlace(IdPlace, Protocol):
    """A place beside the value; the ids of all messages of a batch are read from it together."""

    def column(self, messages: pa.RecordBatch) -> IdColumn:
        """Return the texts at this place, for rows of `topic_range.MESSAGES`."""


def seen_at(place: IdPlace, message: ParsedMessage, record: Record) -> SeenId:
    """Return what a message has at a place; a tombstone has nothing anywhere."""
    return SeenId() if message.is_tombstone else place.seen(message, record)


def only(texts: list[str], where: str) -> SeenId:
    """Return the only text, or a defect if there are several, which makes the id uncertain."""
    if len(texts) > 1:
        differ = "differ" if len(set(texts)) > 1 else "occur twice"
        return SeenId(defect=f"ids {where} {differ}")
    return SeenId(texts[0] if texts else None)
