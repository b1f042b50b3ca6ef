"""Variable-length integers of many messages, and the values whose lengths they state.

Avro and Protobuf write an integer in groups of seven bits, the lowest first; the highest bit of a
byte says that another follows. A place of -1 stands for a message that cannot be followed further.
"""

from dataclasses import dataclass

import numpy as np

from headcount_analysis.arrow_types import Flags, Integers
from headcount_analysis.field_spans.byte_rows import ByteRows, ByteSpan
from headcount_analysis.field_spans.json_spans import LONGEST, PLAIN

CONTINUES = 0x80
"""The bit of a byte that says that another follows."""

_MOST_BYTES = 9
"""A longer number is not read, such as a negative `int64` of Protobuf. These bytes hold 63 bits."""


@dataclass(frozen=True, slots=True)
class Varints:
    """An unsigned number of each message, and the place after it, which is -1 without a number."""

    number: Integers
    end: Integers

    @classmethod
    def at(cls, texts: ByteRows, at: Integers) -> "Varints":
        """Read the numbers that begin at a place of each message."""
        number, end, continues = np.zeros(len(at), np.int64), at.copy(), at >= 0
        for place in range(_MOST_BYTES):
            byte = texts.byte(end).astype(np.int64)
            number |= np.where(continues, (byte & ~CONTINUES) << 7 * place, 0)
            end += continues
            continues &= byte >= CONTINUES
            if not continues.any():
                break
        return cls(number, np.where(continues | (end > texts.ends), -1, end))


def after(texts: ByteRows, start: Integers, length: Integers) -> Integers:
    """Return the place after `length` bytes; -1 if a message does not have that many."""
    is_whole = (start >= 0) & (length >= 0) & (length <= texts.ends - start)
    return np.where(is_whole, start + length, -1)


def is_plain(texts: ByteRows, span: ByteSpan) -> Flags:
    """Mark spans of only plain characters, which stay valid UTF-8 if others replace them."""
    flags: Flags = span.is_one & (texts.run(span.start, PLAIN, LONGEST) >= span.end)
    return flags
