"""Byte rows: the bytes of a batch's messages, searched and masked together.

A place is an index into the bytes of all messages; -1 stands for none.

The messages of a load test are alike. So a pattern is first tried at the place where a sample of
messages has it; only messages without it there are searched. Bytes are tested a word at a time.
"""

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.lib.stride_tricks import sliding_window_view

from headcount_analysis.arrow_types import Bytes, Flags, Integers, Integers32

MASK = ord("#")

_SAMPLED = 8
"""How many messages are sampled to guess the place of a pattern in the others."""

_BEGIN, _END = 0, 1

_WORD = 64
"""How many bytes are tested together: one for each bit of a 64-bit number."""

_OTHER_DIGITS = bytes(ord("2" if byte == ord("1") else "1") for byte in range(256))
"""For each byte, a digit that differs from it."""

Windows = np.ndarray[tuple[int, int], np.dtype[np.uint8]]
"""Bytes by message and offset in the window."""


@dataclass(frozen=True, slots=True)
class Characters:
    """A set of ASCII characters, as ranges of codes: the first and last of each."""

    ranges: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, characters: str) -> "Characters":
        """Make the set from characters in any order."""
        codes = sorted(characters.encode("ascii"))
        # Consecutive codes have the same distance from their index.
        groups = itertools.groupby(enumerate(codes), lambda numbered: numbered[1] - numbered[0])
        ranges = [[code for _, code in group] for _, group in groups]
        return cls(tuple((codes_of_range[0], codes_of_range[-1]) for codes_of_range in ranges))

    def have(
        self, data: np.ndarray[Any, np.dtype[np.uint8]]
    ) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Mark the bytes that are in the set."""
        has = np.zeros(data.shape, np.bool_)
        for first, last in self.ranges:
            # For codes below `first`, the subtraction wraps around, to more than `last - first`.
            has |= data - np.uint8(first) <= last - first
        return has


@dataclass(frozen=True, slots=True)
class ByteRows:
    """Messages, their bytes (padded to at least a word), and the bounds of each in the bytes."""

    values: pa.Array
    data: Bytes
    bounds: Integers32

    @classmethod
    def of(cls, values: pa.Array) -> "ByteRows":
        """Make byte rows from binary messages, none of them null."""
        _, offsets, content = values.buffers()
        bounds = np.frombuffer(offsets, np.int32)[values.offset : values.offset + len(values) + 1]
        data = np.frombuffer(content, np.uint8) if content is not None else np.zeros(0, np.uint8)
        if len(data) < _WORD:
            data = np.pad(data, (0, _WORD - len(data)))
        return cls(values, data, bounds)

    @property
    def ends(self) -> Integers32:
        """Where each message ends."""
        return self.bounds[1:]

    def after(self, *patterns: bytes) -> Integers:
        """Find in each message the end of the first pattern that it contains; -1 if it has none.

        If the pattern occurs more than once, any of its places is returned.
        """
        at = np.full(len(self.values), -1, np.int64)
        for pattern, find in itertools.product(patterns, (self._guessed, self._searched)):
            rows = np.flatnonzero(at < 0)
            if not len(rows):
                break
            place = find(pattern, rows)
            at[rows] = np.where(place < 0, -1, place + len(pattern))
        return at

    def _guessed(self, pattern: bytes, rows: Integers) -> Integers:
        """Try a pattern at one distance from the beginning or the end of the messages."""
        distances: Counter[tuple[int, int]] = Counter()
        for row in rows[np.linspace(0, len(rows) - 1, _SAMPLED, dtype=np.int64)]:
            text = self.data[self.bounds[row] : self.ends[row]].tobytes()
            if (at := text.find(pattern)) >= 0:
                distances.update([(_BEGIN, at), (_END, at - len(text))])
        if not distances:
            return np.full(len(rows), -1, np.int64)
        ((side, distance), _), *_others = distances.most_common(1)
        place = self.bounds[rows + side].astype(np.int64) + distance
        inside = (place >= self.bounds[rows]) & (place + len(pattern) <= self.ends[rows])
        windows = self._windows(np.where(inside, place, 0), len(pattern))
        return np.where(inside & (windows.view(f"S{len(pattern)}")[:, 0] == pattern), place, -1)

    def _searched(self, pattern: bytes, rows: Integers) -> Integers:
        """Search messages for a pattern."""
        texts = self.values if len(rows) == len(self.values) else self.values.take(pa.array(rows))
        offset = pc.find_substring(texts, pattern=pattern).to_numpy()
        return np.where(offset < 0, -1, self.bounds[rows] + offset)

    def _windows(self, start: Integers, width: int) -> Windows:
        """Return `width` bytes from each place on; all must lie within the bytes of the batch."""
        return sliding_window_view(self.data, width)[start]

    def byte(self, at: Integers) -> Bytes:
        """Return the byte at each place, 0 if there is no place or it is beyond the message."""
        inside = (at >= 0) & (at < self.ends)
        return np.where(inside, self.data[np.where(inside, at, 0)], 0).astype(np.uint8)

    def number(self, at: Integers, width: int) -> Integers:
        """Read the number in `width` bytes from each place on, the highest byte first."""
        number = np.zeros(len(at), np.int64)
        for place in range(width):
            number = number << 8 | self.byte(at + place)
        return number

    def run(self, start: Integers, allowed: Characters, longest: int) -> Integers:
        """Find in each message the end of a run of allowed characters that begins at `start`."""
        end = start.copy()
        continues = start >= 0
        for _ in range(-(-longest // _WORD)):
            more = np.where(continues, self._length(end, allowed), 0)
            end += more
            continues &= more == _WORD
            if not continues.any():
                break
        return np.minimum(end, np.minimum(start + longest, np.maximum(start, self.ends)))

    def _length(self, start: Integers, allowed: Characters) -> Integers:
        """Count the allowed bytes from each place on, up to a word."""
        last = len(self.data) - _WORD
        at = np.clip(start, 0, last)
        flags = np.packbits(allowed.have(self._windows(at, _WORD)), axis=1, bitorder="little")
        bits = flags.view("<u8")[:, 0]
        # A window that would reach beyond the data is moved back; shift out bytes before `start`.
        bits = bits >> np.maximum(start - last, 0).astype(np.uint64)
        first_other = ~bits & (bits + np.uint64(1))
        lengths: Integers = np.bitwise_count(first_other - np.uint64(1)).astype(np.int64)
        return lengths

    def altered(self, row: int, spans: "Sequence[ByteSpan]") -> bytes:
        """Return one message with each byte of some spans replaced by a different digit."""
        first = int(self.bounds[row])
        content = bytearray(self.data[first : self.ends[row]])
        for span in spans:
            if span.is_one[row]:
                kept, other = span.kept_bits, 0xFF & ~span.kept_bits
                for place in range(int(span.start[row]) - first, int(span.end[row]) - first):
                    byte = content[place]
                    content[place] = byte & kept | _OTHER_DIGITS[byte & other]
        return bytes(content)

    def masked(self, spans: "Sequence[ByteSpan]") -> pa.Array:
        """Return the messages with every byte of some spans masked."""
        data = self.data.copy()
        for span in spans:
            start, length = span.start[span.is_one], (span.end - span.start)[span.is_one]
            for width in np.unique(length[length > 0]):
                windows = sliding_window_view(data, width, writeable=True)
                at = start[length == width]
                windows[at] = windows[at] & span.kept_bits | MASK if span.kept_bits else MASK
        buffers = [None, pa.py_buffer(np.ascontiguousarray(self.bounds)), pa.py_buffer(data)]
        return pa.Array.from_buffers(pa.binary(), len(self.values), buffers)


@dataclass(frozen=True, slots=True)
class ByteSpan:
    """Bytes of each message, from `start` up to `end`, exclusive.

    `is_one` marks the messages that have some. The `kept_bits` of each byte are not masked: they
    say where a number ends.
    """

    is_one: Flags
    start: Integers
    end: Integers
    kept_bits: int = 0

    @classmethod
    def nowhere(cls, rows: int) -> "ByteSpan":
        """Make a span that no message has."""
        nowhere = np.zeros(rows, np.int64)
        return cls(nowhere > 0, nowhere, nowhere)

    def or_else(self, other: "ByteSpan") -> "ByteSpan":
        """Take another span in messages without this one, if the same bits are kept in both."""
        if not self.is_one.any():
            return other
        if self.kept_bits != other.kept_bits:
            return self
        start, end = (
            np.where(self.is_one, own, others)
            for own, others in ((self.start, other.start), (self.end, other.end))
        )
        return ByteSpan(self.is_one | other.is_one, start, end, self.kept_bits)

    def apart_from(self, others: "Iterable[ByteSpan]") -> "ByteSpan":
        """Drop this span in messages in which it overlaps another one."""
        is_one = self.is_one
        for other in others:
            overlaps = other.is_one & (self.start < other.end) & (other.start < self.end)
            is_one = is_one & ~overlaps
        return replace(self, is_one=is_one)
