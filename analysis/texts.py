"""Texts: the bytes of a batch's messages, looked at and masked all at once.

A place is an index into the bytes of all messages; -1 is none.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis.arrays import Bytes, Flags, Integers, Integers32

MASK = ord("#")

Allowed = np.ndarray[tuple[int], np.dtype[np.bool_]]
"""By byte, whether it is."""


def allowed(characters: str) -> Allowed:
    """Make the table of some characters."""
    table = np.zeros(256, np.bool_)
    table[list(characters.encode("ascii"))] = True
    return table


@dataclass(frozen=True, slots=True)
class Texts:
    """Messages, their bytes, and where each begins and the last ends."""

    values: pa.Array
    data: Bytes
    bounds: Integers32

    @classmethod
    def of(cls, values: pa.Array) -> "Texts":
        """Take messages, which are binary, none of them null."""
        _, offsets, content = values.buffers()
        bounds = np.frombuffer(offsets, np.int32)[values.offset : values.offset + len(values) + 1]
        data = np.frombuffer(content, np.uint8) if content is not None else np.zeros(0, np.uint8)
        return cls(values, data if len(data) else np.zeros(1, np.uint8), bounds)

    @property
    def ends(self) -> Integers32:
        """Where each message ends."""
        return self.bounds[1:]

    def after(self, *patterns: bytes) -> Integers:
        """Tell where in each message the first of the first pattern that it has is over."""
        at = np.full(len(self.values), -1, np.int64)
        for pattern in patterns:
            found = pc.find_substring(self.values, pattern=pattern).to_numpy()
            at = np.where((at < 0) & (found >= 0), self.bounds[:-1] + found + len(pattern), at)
            if (at >= 0).all():
                break
        return at

    def byte(self, at: Integers) -> Bytes:
        """Give the byte at each place, 0 where that is none or beyond the message."""
        inside = (at >= 0) & (at < self.ends)
        return np.where(inside, self.data[np.where(inside, at, 0)], 0).astype(np.uint8)

    def run(self, start: Integers, table: Allowed, longest: int) -> Integers:
        """Tell where in each message what is allowed ends, from a place on, if that is one."""
        end = start.copy()
        going = start >= 0
        for _ in range(longest):
            going = going & table[self.byte(end)]
            if not going.any():
                break
            end = end + going
        return end

    def masked(self, spans: "list[Span]") -> pa.Array:
        """Give the messages with a mask in place of every byte of some spans."""
        data = self.data.copy()
        for span in spans:
            start, length = span.start[span.is_one], (span.end - span.start)[span.is_one]
            for place in range(int(length.max(initial=0))):
                data[start[length > place] + place] = MASK
        buffers = [None, pa.py_buffer(np.ascontiguousarray(self.bounds)), pa.py_buffer(data)]
        return pa.Array.from_buffers(pa.binary(), len(self.values), buffers)


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes of each message, from `start` to before `end`, where it `is_one`."""

    is_one: Flags
    start: Integers
    end: Integers
