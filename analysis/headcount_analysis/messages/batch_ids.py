"""Batch ids: finds the ids in all messages of a batch together, in their bytes."""

import json
import string
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from headcount_analysis.arrow_types import Flags, Integers
from headcount_analysis.messages import volatile_fields
from headcount_analysis.messages.byte_rows import ByteRows, ByteSpan, Characters

_MAX_DIGITS = 18  # of a number in an id, see `headcount/run/ids.py`

_DIGITS = Characters.of(string.digits)

_ZERO, _DOT, _QUOTE = ord("0"), ord("."), ord('"')


@dataclass(frozen=True, slots=True)
class Masked:
    """Messages as dictionary-encoded texts, and a bit in `what` for each span masked in them."""

    texts: pa.DictionaryArray
    what: Integers


@dataclass(frozen=True, slots=True)
class BatchIds:
    """The ids of this run that a batch's messages contain as plain text.

    `generator` and `seq` are undefined if `is_there` is false; `spans` are those of their digits.
    """

    prefix: str
    texts: ByteRows
    is_there: Flags
    generator: Integers
    seq: Integers
    spans: tuple[ByteSpan, ...]

    def identity(self, row: int) -> str:
        """Format the id of a message."""
        return f"{self.prefix}{self.generator[row]}.{self.seq[row]}"

    def masked(self, fields: Sequence[volatile_fields.Field]) -> Masked:
        """Mask the digits of the ids and the values of some fields in the messages."""
        spans = [*self.spans, *volatile_fields.spans(self.texts, fields)]
        flags: Integers = np.array([span.is_one for span in spans], np.int64)
        what = (flags << np.arange(len(spans))[:, None]).sum(axis=0)
        return Masked(self.texts.masked(spans).dictionary_encode(), what)


def batch_ids(values: pa.Array, prefix: str, names: Sequence[str]) -> BatchIds:
    """Find the ids that begin with a prefix in the named fields of messages.

    `values` are binary, none null.
    """
    texts = ByteRows.of(values)
    fields = [json.dumps(name, ensure_ascii=False) for name in names]
    at = texts.after(
        *(f'{field}:{space}"{prefix}'.encode() for field in fields for space in ("", " "))
    )
    generator = _number(texts, at)
    seq = _number(texts, np.where(texts.byte(generator.end) == _DOT, generator.end + 1, -1))
    is_there = generator.is_one & seq.is_one & (texts.byte(seq.end) == _QUOTE)
    spans = tuple(ByteSpan(is_there, span.start, span.end) for span in (generator, seq))
    values_of = [np.where(is_there, _value(texts, span), 0) for span in (generator, seq)]
    return BatchIds(prefix, texts, is_there, values_of[0], values_of[1], spans)


def _number(texts: ByteRows, start: Integers) -> ByteSpan:
    """Find a number in the form used in ids: no sign, no leading zero, at most 18 digits."""
    end = texts.run(start, _DIGITS, _MAX_DIGITS)
    is_padded = (end - start > 1) & (texts.byte(start) == _ZERO)
    return ByteSpan((start >= 0) & (end > start) & ~is_padded, start, end)


def _value(texts: ByteRows, number: ByteSpan) -> Integers:
    value = np.zeros(len(number.start), np.int64)
    for place in range(int((number.end - number.start).max(initial=0))):
        at = number.start + place
        digit = texts.byte(at).astype(np.int64) - _ZERO
        value = np.where(at < number.end, value * 10 + digit, value)
    return value
