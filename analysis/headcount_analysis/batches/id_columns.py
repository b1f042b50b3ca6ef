"""Id columns: the ids of many messages at once, read from their bytes and written as texts.

The layout of the forms is described in `headcount/run/id_form.py`, which does the same for one id.
"""

import itertools
import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headcount.run.id_form import (
    CHECK_BITS,
    GENERATOR_BITS,
    MIX_FACTORS,
    MIX_SHIFTS,
    SEQ_BITS,
    HexForm,
    IdForm,
    RunIds,
)
from headcount.run.ids import bits_of
from headcount_analysis.arrow_types import Flags, Integers
from headcount_analysis.field_spans.byte_rows import ByteRows, ByteSpan, Characters

MAX_DIGITS = 18
"""The maximum number of digits of a number in an id, see `headcount/run/ids.py`."""

Words = np.ndarray[tuple[int], np.dtype[np.uint64]]
"""Unsigned words of 64 bits; their arithmetic wraps around."""

_DIGITS = Characters.of(string.digits)
_ZERO, _DOT, _HYPHEN, _LETTER_A = ord("0"), ord("."), ord("-"), ord("a")
_SEQ_MASK = np.uint64((1 << SEQ_BITS) - 1)
_HEX_DIGITS = 32
_HYPHENS: Mapping[HexForm, tuple[int, ...]] = {IdForm.UUID: (8, 13, 18, 23), IdForm.TRACE: ()}
"""The places of hyphens in an id, by its form."""


@dataclass(frozen=True, slots=True)
class IdsAt:
    """The ids that were read at a place of each message; `is_one` says whether one is there.

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

    A plain id ends at `longest` at the latest, even if the bytes after that are digits, too.
    """
    if ids.form is IdForm.PLAIN:
        return _plain_at(rows, at, longest)
    return _hex_at(rows, at, ids, ids.form)


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


def _hex_at(rows: ByteRows, at: Integers, ids: RunIds, form: HexForm) -> IdsAt:
    """Read the digits after the prefix; capitals are left to the reader of single messages."""
    first = len(ids.prefix)
    length = _HEX_DIGITS + len(_HYPHENS[form])
    end = np.where(at >= 0, at + length - first, -1)
    is_one = (at >= 0) & (end <= rows.ends)
    high, low = np.zeros(len(at), np.uint64), np.zeros(len(at), np.uint64)
    digits_left = _HEX_DIGITS - sum(letter != "-" for letter in ids.prefix)
    for place in range(first, length):
        byte = rows.byte(np.where(is_one, at + place - first, -1))
        if place in _HYPHENS[form]:
            is_one &= byte == _HYPHEN
            continue
        is_digit, nibble = _nibbles(byte)
        is_one &= is_digit
        if digits_left > 16:  # noqa: PLR2004 - a word has 16 digits
            high = high << np.uint64(4) | nibble
        else:
            low = low << np.uint64(4) | nibble
        digits_left -= 1
    generator, seq = _numbers(high, low, form)
    is_one &= low == _low_word(ids, form, generator, seq)
    numbers = [np.where(is_one, number.astype(np.int64), 0) for number in (generator, seq)]
    return IdsAt(is_one, numbers[0], numbers[1], (ByteSpan(is_one, at, end),), end)


def _nibbles(byte: np.ndarray[tuple[int], np.dtype[np.uint8]]) -> tuple[Flags, Words]:
    number = byte - np.uint8(_ZERO)
    letter = byte - np.uint8(_LETTER_A)
    is_number, is_letter = number < 10, letter < 6  # noqa: PLR2004 - hexadecimal
    return is_number | is_letter, np.where(is_number, number, letter + 10).astype(np.uint64)


def _numbers(high: Words, low: Words, form: HexForm) -> tuple[Words, Words]:
    """Return generators and sequence numbers; `high` has only the digits after the prefix."""
    check_bits = CHECK_BITS[form]
    match form:
        case IdForm.UUID:
            last_bits = low >> np.uint64(SEQ_BITS + check_bits) & np.uint64(15)
            return high << np.uint64(4) | last_bits, low >> np.uint64(check_bits) & _SEQ_MASK
        case IdForm.TRACE:
            return high, low >> np.uint64(check_bits)
        case _:
            assert_never(form)


def _high_word(ids: RunIds, form: HexForm, generator: Words) -> Words:
    """Write the first 64 bits of ids."""
    tag = np.uint64(bits_of(ids.tag) << GENERATOR_BITS)
    match form:
        case IdForm.UUID:
            return tag | np.uint64(8 << 12) | generator >> np.uint64(4)
        case IdForm.TRACE:
            return tag | generator
        case _:
            assert_never(form)


def _low_word(ids: RunIds, form: HexForm, generator: Words, seq: Words) -> Words:
    """Write the last 64 bits of ids."""
    check_bits = CHECK_BITS[form]
    check = _check(ids, generator, seq) >> np.uint64(64 - check_bits)
    match form:
        case IdForm.UUID:
            numbers = (generator & np.uint64(15)) << np.uint64(SEQ_BITS) | seq
            return np.uint64(0b10 << 62) | numbers << np.uint64(check_bits) | check
        case IdForm.TRACE:
            return seq << np.uint64(check_bits) | check
        case _:
            assert_never(form)


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
    high, low = (
        _high_word(ids, ids.form, of_generator),
        _low_word(ids, ids.form, of_generator, of_seq),
    )
    words = np.stack([high, low], axis=1).astype(">u8")
    return pa.chunked_array([_hex_texts(words.view(np.uint8), ids.form)])


def _hex_texts(content: np.ndarray[tuple[int, int], np.dtype[np.uint8]], form: HexForm) -> pa.Array:
    """Write rows of 16 bytes as hexadecimal digits."""
    letters = np.frombuffer(b"0123456789abcdef", np.uint8)
    digits = np.stack([letters[content >> 4], letters[content & 15]], axis=2)
    rows = digits.reshape(len(content), _HEX_DIGITS)
    if _HYPHENS[form]:
        bounds = [0, *(place - before for before, place in enumerate(_HYPHENS[form])), _HEX_DIGITS]
        hyphen = np.full((len(rows), 1), _HYPHEN, np.uint8)
        parts = [rows[:, start:end] for start, end in itertools.pairwise(bounds)]
        spaced = [part for whole in parts for part in (whole, hyphen)]
        rows = np.concatenate(spaced[:-1], axis=1)
    width = rows.shape[1]
    offsets = np.arange(len(rows) + 1, dtype=np.int32) * width
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(rows))]
    return pa.Array.from_buffers(pa.string(), len(rows), buffers)
