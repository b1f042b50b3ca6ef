"""JSON spans: the first value of a field in many messages in JSON.

Only complete plain values have a span: a text of printable ASCII without quotes or escapes, or a
number without an exponent or a leading zero. Whatever replaces such a value, the rest of the
message keeps its meaning.
"""

import string
from dataclasses import dataclass, field

import numpy as np

from headcount_analysis.field_spans.byte_rows import ByteRows, ByteSpan, Characters

LONGEST = 100
"""The longest value that has a span, in bytes."""

PLAIN = Characters.of("".join(map(chr, range(0x20, 0x7F))).replace('"', "").replace("\\", ""))
"""The characters of plain texts."""

_DIGITS = Characters.of(string.digits)
_NOT_ZERO = Characters.of("123456789")
_AFTER_NUMBER = Characters.of(",} \n")
_QUOTE = Characters.of('"')
_MINUS, _DOT, _ZERO = ord("-"), ord("."), ord("0")


@dataclass(frozen=True, slots=True)
class Field:
    """A field whose value is a text, or else a number; `quoted` is its name in a message."""

    name: str
    is_text: bool
    quoted: bytes = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Write the name as it is in messages."""
        object.__setattr__(self, "quoted", f'"{self.name}"'.encode())


def json_span(texts: ByteRows, field: Field, *, with_fractions: bool = True) -> ByteSpan:
    """Find the first value of a field; a number with a fraction only if `with_fractions`."""
    if field.is_text:
        return _text(texts, field)
    return _number(texts, field, with_fractions=with_fractions)


def _text(texts: ByteRows, field: Field) -> ByteSpan:
    start = texts.after(field.quoted + b':"', field.quoted + b': "')
    end = texts.run(start, PLAIN, LONGEST)
    return ByteSpan((start >= 0) & _QUOTE.have(texts.byte(end)), start, end)


def _number(texts: ByteRows, field: Field, *, with_fractions: bool) -> ByteSpan:
    value = texts.after(field.quoted + b": ", field.quoted + b":")
    start = value + (texts.byte(value) == _MINUS)
    end = texts.run(start, _DIGITS, LONGEST)
    is_number = _NOT_ZERO.have(texts.byte(start))
    is_point = texts.byte(end) == _DOT
    if with_fractions and is_point.any():
        fraction = texts.run(np.where(is_point, end + 1, -1), _DIGITS, LONGEST)
        is_fraction = is_point & (fraction > end + 1)
        is_number |= is_fraction & (texts.byte(start) == _ZERO) & (end == start + 1)
        end = np.where(is_fraction, fraction, end)
    return ByteSpan(is_number & _AFTER_NUMBER.have(texts.byte(end)), start, end)
