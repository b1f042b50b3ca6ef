"""Id columns: the ids of many messages at once, read from their bytes and written as texts.

The layout of the forms is described in `headcount/run/id_form.py`, which does the same for one id.
"""

import itertools
import string
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headcount.run.id_form import (
    GENERATOR_BITS,
    MIX_FACTORS,
    MIX_SHIFTS,
    SEQ_BITS,
    TRACE_CHECK_BITS,
    UUID_CHECK_BITS,
    IdForm,
    RunIds,
)
from headcount.run.ids import bits_of
from headcount_analysis.arrow_types import Flags, Integers
from headcount_analysis.field_spans.byte_rows import ByteRows, ByteSpan, Characters

MAX_DIGITS = 18
"""The most digits of a number in an id, see `headcount/run/ids.py`."""

Words = np.ndarray[tuple[int], np.dtype[np.uint64]]
"""Unsigned words of 64 bits; their arithmetic wraps around."""

_DIGITS = Characters.of(string.digits)
_ZERO, _DOT, _HYPHEN, _LETTER_A = ord("0"), ord("."), ord("-"), ord("a")
_SEQ_MASK = (1 << SEQ_BITS) - 1
_UUID_HYPHENS = (8, 13, 18, 23)
_UUID_LENGTH, _TRACE_LENGTH = 36, 32


@dataclass(frozen=True, slots=True)
class IdsAt:
    """Ids read at a place of each message, where there `is_one`.

    `generator` and `seq` are 0 where there is none; `spans` are the bytes that tell the ids of a
    run apart, and `end` is where each id ends.
    """

    is_one: Flags
    generator: Integers
    seq: Integers
    spans: tuple[ByteSpan, ...]
    end: Integers


def ids_at(rows: ByteRows, at: Integers, ids: RunIds, longest: Integers | None = None) -> IdsAt:
    """Read the rest of an id that begins with the run's prefix; `at` is where the prefix ends.

    `longest` is where a plain id ends at the latest: the bytes after it may be digits, too.
    """
    if ids.form is IdForm.PLAIN:
        return _plain_at(rows, at, longest)
    return _hex_at(rows, at, ids)


def _plain_at(rows: ByteRows, at: Integers, longest: Integers | None) -> IdsAt:
    generator = _number(rows, at)
    seq = _number(rows, np.where(rows.byte(generator.end) == _DOT, generator.end + 1, -1), longest)
    is_one = generator.is_one & seq.is_one
    numbers = [np.where(is_one, _decimal(rows, span), 0) for span in (generator, seq)]
    spans = tuple(ByteSpan(is_one, span.start, span.end) for span in (generator, seq))
    return IdsAt(is_one, numbers[0], numbers[1], spans, seq.end)


def _number(rows: ByteRows, start: Integers, longest: Integers | None = None) -> ByteSpan:
    """Find a number in the form used in ids: no sign, no leading zero, at most 18 digits."""
    end = rows.run(start, _DIGITS, MAX_DIGITS)
    if longest is not None:
        end = np.where(longest > start, np.minimum(end, longest), end)
    is_padded = (end - start > 1) & (rows.byte(start) == _ZERO)
    return ByteSpan((start >= 0) & (end > start) & ~is_padded, start, end)


def _decimal(rows: ByteRows, number: ByteSpan) -> Integers:
    value = np.zeros(len(number.start), np.int64)
    for place in range(int((number.end - number.start).max(initial=0))):
        at = number.start + place
        digit = rows.byte(at).astype(np.int64) - _ZERO
        value = np.where(at < number.end, value * 10 + digit, value)
    return value


def _hex_at(rows: ByteRows, at: Integers, ids: RunIds) -> IdsAt:
    """Read the digits after the prefix; capitals are left to the reader of single messages."""
    first = len(ids.prefix)
    length = _UUID_LENGTH if ids.form is IdForm.UUID else _TRACE_LENGTH
    end = np.where(at >= 0, at + length - first, -1)
    is_one = (at >= 0) & (end <= rows.ends)
    high, low = np.zeros(len(at), np.uint64), np.zeros(len(at), np.uint64)
    digits_left = _TRACE_LENGTH - sum(letter != "-" for letter in ids.prefix)
    for place in range(first, length):
        byte = rows.byte(np.where(is_one, at + place - first, -1))
        if ids.form is IdForm.UUID and place in _UUID_HYPHENS:
            is_one &= byte == _HYPHEN
            continue
        is_digit, nibble = _nibbles(byte)
        is_one &= is_digit
        if digits_left > 16:  # noqa: PLR2004 - a word has 16 digits
            high = high << np.uint64(4) | nibble
        else:
            low = low << np.uint64(4) | nibble
        digits_left -= 1
    generator, seq = _numbers(high, low, ids.form)
    is_one &= low == _low_word(ids, generator, seq)
    numbers = [np.where(is_one, number.astype(np.int64), 0) for number in (generator, seq)]
    return IdsAt(is_one, numbers[0], numbers[1], (ByteSpan(is_one, at, end),), end)


def _nibbles(byte: np.ndarray[tuple[int], np.dtype[np.uint8]]) -> tuple[Flags, Words]:
    number = byte - np.uint8(_ZERO)
    letter = byte - np.uint8(_LETTER_A)
    is_number, is_letter = number < 10, letter < 6  # noqa: PLR2004 - hexadecimal
    return is_number | is_letter, np.where(is_number, number, letter + 10).astype(np.uint64)


def _numbers(high: Words, low: Words, form: IdForm) -> tuple[Words, Words]:
    """Return generators and sequence numbers; `high` lacks the prefix."""
    if form is IdForm.TRACE:
        return high, low >> np.uint64(TRACE_CHECK_BITS)
    generator = high << np.uint64(4) | low >> np.uint64(SEQ_BITS + UUID_CHECK_BITS) & np.uint64(15)
    return generator, low >> np.uint64(UUID_CHECK_BITS) & np.uint64(_SEQ_MASK)


def _low_word(ids: RunIds, generator: Words, seq: Words) -> Words:
    """Write the last 64 bits of ids."""
    check = _check(ids, generator, seq)
    if ids.form is IdForm.TRACE:
        return seq << np.uint64(TRACE_CHECK_BITS) | check >> np.uint64(64 - TRACE_CHECK_BITS)
    numbers = (generator & np.uint64(15)) << np.uint64(SEQ_BITS) | seq
    low = numbers << np.uint64(UUID_CHECK_BITS) | check >> np.uint64(64 - UUID_CHECK_BITS)
    return np.uint64(0b10 << 62) | low


def _check(ids: RunIds, generator: Words, seq: Words) -> Words:
    tag = np.uint64(bits_of(ids.tag) << GENERATOR_BITS)
    return _mixed(_mixed(tag | generator) ^ seq)


def _mixed(words: Words) -> Words:
    for shift, factor in zip(MIX_SHIFTS, MIX_FACTORS, strict=False):
        words = (words ^ words >> np.uint64(shift)) * np.uint64(factor)
    return words ^ words >> np.uint64(MIX_SHIFTS[-1])


def id_texts(ids: RunIds, generator: pa.ChunkedArray, seq: pa.ChunkedArray) -> pa.ChunkedArray:
    """Write the ids of attempts, as strings."""
    if ids.form is IdForm.PLAIN:
        numbers = [column.cast(pa.string()) for column in (generator, seq)]
        return pc.binary_join_element_wise(ids.tag, *numbers, ".")
    of_generator, of_seq = (column.to_numpy().astype(np.uint64) for column in (generator, seq))
    tag = np.uint64(bits_of(ids.tag) << GENERATOR_BITS)
    if ids.form is IdForm.TRACE:
        high = tag | of_generator
    else:
        high = tag | np.uint64(8 << 12) | of_generator >> np.uint64(4)
    words = np.stack([high, _low_word(ids, of_generator, of_seq)], axis=1).astype(">u8")
    return pa.chunked_array([_hex_texts(words.view(np.uint8), ids.form)])


def _hex_texts(content: np.ndarray[tuple[int, int], np.dtype[np.uint8]], form: IdForm) -> pa.Array:
    """Write rows of 16 bytes as hexadecimal digits."""
    letters = np.frombuffer(b"0123456789abcdef", np.uint8)
    digits = np.stack([letters[content >> 4], letters[content & 15]], axis=2)
    rows = digits.reshape(len(content), _TRACE_LENGTH)
    if form is IdForm.UUID:
        bounds = [0, 8, 12, 16, 20, _TRACE_LENGTH]
        hyphen = np.full((len(rows), 1), _HYPHEN, np.uint8)
        parts = [rows[:, start:end] for start, end in itertools.pairwise(bounds)]
        spaced = [part for whole in parts for part in (whole, hyphen)]
        rows = np.concatenate(spaced[:-1], axis=1)
    width = rows.shape[1]
    offsets = np.arange(len(rows) + 1, dtype=np.int32) * width
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(rows))]
    return pa.Array.from_buffers(pa.string(), len(rows), buffers)
