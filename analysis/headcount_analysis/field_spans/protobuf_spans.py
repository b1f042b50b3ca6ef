"""Protobuf spans: where the fields of a message are in the bytes of many messages.

Each field follows a tag: its number and its wire type. So the first fields of all messages are read
together, then the second ones, and so on. Only values that may be replaced by any other of the same
length have a span: numbers, plain texts, and bytes, if they are not repeated.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from headcount_analysis.arrow_types import Flags, Integers
from headcount_analysis.field_spans.byte_rows import ByteRows, ByteSpan
from headcount_analysis.field_spans.varints import CONTINUES, Varints, after, is_plain

_MOST_FIELDS: Final = 64
_VARINT, _EIGHT_BYTES, _DELIMITED, _FOUR_BYTES = 0, 1, 2, 5
_SIZES: Final = {_EIGHT_BYTES: 8, _FOUR_BYTES: 4}
_WIRE_BITS: Final = 3

_TYPES: Final[Mapping[int, str]] = {
    _VARINT: "int32 int64 uint32 uint64 sint32 sint64",
    _EIGHT_BYTES: "fixed64 sfixed64 double",
    _FOUR_BYTES: "fixed32 sfixed32 float",
    _DELIMITED: "string bytes",
}
_WIRE_TYPES: Final[Mapping[int, int]] = {
    getattr(FieldDescriptor, f"TYPE_{name.upper()}"): wire_type
    for wire_type, names in _TYPES.items()
    for name in names.split()
}
"""How the values that have spans are written, by the types of their fields."""


def protobuf_spans(
    texts: ByteRows, start: Integers, descriptor: Descriptor, names: Collection[str]
) -> dict[str, ByteSpan]:
    """Find fields of the messages that begin at `start`, and end where the texts end.

    `start` is -1 for a text that contains none.
    """
    values = {
        field.number << _WIRE_BITS | wire_type: _Values.none(field, len(start))
        for field in descriptor.fields
        if field.name in names
        and not field.is_repeated
        and (wire_type := _WIRE_TYPES.get(field.type)) is not None
    }
    at = start
    for _ in range(_MOST_FIELDS):
        continues = (at >= 0) & (at < texts.ends)
        if not continues.any():
            break
        tags = Varints.at(texts, np.where(continues, at, -1))
        content, end = _contents(texts, tags)
        for tag, of_field in values.items():
            of_field.add((end >= 0) & (tags.number == tag), content, end)
        at = np.where(continues, end, at)
    is_whole = at == texts.ends
    return {of_field.field.name: of_field.span(texts, is_whole) for of_field in values.values()}


def _contents(texts: ByteRows, tags: Varints) -> tuple[Integers, Integers]:
    """Return where the values after tags begin and end; -1 for one that cannot be skipped."""
    start, end = tags.end, np.full(len(tags.end), -1, np.int64)
    wire_types = np.where(tags.end >= 0, tags.number & (1 << _WIRE_BITS) - 1, -1)
    for wire_type in np.unique(wire_types):
        at = np.where(wire_types == wire_type, tags.end, -1)
        if wire_type == _VARINT:
            end = np.maximum(end, Varints.at(texts, at).end)
        elif wire_type == _DELIMITED:
            length = Varints.at(texts, at)
            start = np.where(at >= 0, length.end, start)
            end = np.maximum(end, after(texts, length.end, length.number))
        elif wire_type in _SIZES:
            end = np.maximum(end, after(texts, at, np.full(len(at), _SIZES[wire_type])))
    return start, end


@dataclass(slots=True)
class _Values:
    """The values of a field that were found so far."""

    field: FieldDescriptor
    is_one: Flags
    is_repeated: Flags
    start: Integers
    end: Integers

    @classmethod
    def none(cls, field: FieldDescriptor, rows: int) -> "_Values":
        nowhere = np.zeros(rows, np.int64)
        return cls(field, nowhere > 0, nowhere > 0, nowhere, nowhere)

    def add(self, is_here: Flags, start: Integers, end: Integers) -> None:
        self.is_repeated = self.is_repeated | is_here & self.is_one
        self.is_one = self.is_one | is_here
        self.start = np.where(is_here, start, self.start)
        self.end = np.where(is_here, end, self.end)

    def span(self, texts: ByteRows, is_whole: Flags) -> ByteSpan:
        is_number = _WIRE_TYPES[self.field.type] == _VARINT
        kept_bits = CONTINUES if is_number else 0
        is_one = self.is_one & ~self.is_repeated & is_whole
        span = ByteSpan(is_one, self.start, self.end, kept_bits)
        if self.field.type != FieldDescriptor.TYPE_STRING:
            return span
        return ByteSpan(is_plain(texts, span), self.start, self.end)
