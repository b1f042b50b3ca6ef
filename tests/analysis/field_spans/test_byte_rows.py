"""Byte rows: searching many messages together finds the same as searching one at a time."""

import re
import string
from dataclasses import replace

import numpy as np
import pyarrow as pa
from headcount_analysis.arrow_types import Integers
from headcount_analysis.field_spans.byte_rows import MASK, ByteRows, ByteSpan, Characters
from hypothesis import given
from hypothesis import strategies as st

DIGITS = Characters.of(string.digits)
PLAIN = Characters.of("".join(map(chr, range(0x20, 0x7F))).replace('"', ""))

messages = st.lists(
    st.one_of(
        st.binary(max_size=80),
        st.text('1234a"', max_size=200).map(str.encode),
        st.tuples(st.binary(max_size=5), st.integers(0, 10**9), st.binary(max_size=5)).map(
            lambda parts: parts[0] + b'"id":"%d"' % parts[1] + parts[2]
        ),
    ),
    max_size=12,
)
"""Any bytes, long runs of a few of them, and typical messages of a service."""


def texts(values: list[bytes], before: int = 0) -> ByteRows:
    """Make byte rows of messages, with some others before them in the same buffers."""
    whole = pa.array([b"7" * length for length in range(before)] + values, pa.binary())
    return ByteRows.of(whole.slice(before))


def places(byte_rows: ByteRows, at: Integers) -> list[int]:
    """Convert places to offsets within their message."""
    return list(map(int, np.where(at < 0, -1, at - byte_rows.bounds[:-1])))


@given(messages, st.sampled_from([b'"id":"', b"1", b'"', b"4a"]), st.integers(0, 3))
def test_pattern_is_found_in_every_message_that_has_it(
    values: list[bytes], pattern: bytes, before: int
) -> None:
    """At any of its places; a message without it has none."""
    byte_rows = texts(values, before)
    for value, place in zip(values, places(byte_rows, byte_rows.after(pattern)), strict=True):
        starts = [match.start() for match in re.finditer(b"(?=" + re.escape(pattern) + b")", value)]
        assert place in [start + len(pattern) for start in starts] if starts else place == -1


@given(messages)
def test_first_pattern_takes_precedence(values: list[bytes]) -> None:
    """A later pattern is searched for only if the first one is missing."""
    byte_rows = texts(values)
    at = places(byte_rows, byte_rows.after(b'"id":"', b'"'))
    for value, place in zip(values, at, strict=True):
        pattern = b'"id":"' if b'"id":"' in value else b'"'
        assert place == -1 if pattern not in value else value[:place].endswith(pattern)


def test_pattern_is_found_wherever_the_others_have_it() -> None:
    """The most frequent place is tried first; the other messages are searched."""
    alike = [b'{"a":"x","id":"%d"}' % number for number in range(100)]
    odd = [b"", b'"id":"', b'{"id":"7","b":1}', b'{"a":"xy","id":"8"}', b'x"id":', alike[3][:-3]]
    values = [*alike[:50], *odd, *alike[50:]]
    byte_rows = texts(values)
    expected = [value.find(b'"id":"') for value in values]
    assert places(byte_rows, byte_rows.after(b'"id":"')) == [
        begin + 6 if begin >= 0 else -1 for begin in expected
    ]


def test_pattern_does_not_reach_into_the_next_message() -> None:
    """A pattern across the bounds of two messages is in neither."""
    byte_rows = texts([b'xx"id":"1', b'yy"i', b'd":"2', b'zz"id":"3'])
    assert places(byte_rows, byte_rows.after(b'"id":"')) == [8, -1, -1, 8]


@given(messages, st.integers(0, 90), st.sampled_from([18, 64, 100]), st.integers(0, 3))
def test_run_ends_where_something_else_begins(
    values: list[bytes], start: int, longest: int, before: int
) -> None:
    """Or at the end of the message or of the longest run."""
    byte_rows = texts(values, before)
    begins = np.array([start if start <= len(value) else -1 for value in values], np.int64)
    at = np.where(begins < 0, -1, begins + byte_rows.bounds[:-1])
    for characters, pattern in ((DIGITS, rb"[0-9]*"), (PLAIN, rb"[ !#-~]*")):
        ends = places(byte_rows, byte_rows.run(at, characters, longest))
        for value, begin, end in zip(values, begins, ends, strict=True):
            same = re.compile(pattern).match(value, begin) if begin >= 0 else None
            assert end == (-1 if same is None else min(same.end(), begin + longest))


@given(st.binary(max_size=300), st.sets(st.sampled_from(string.printable), min_size=1))
def test_characters_are_distinguished_from_others(data: bytes, chosen: set[str]) -> None:
    """For all bytes, including those beyond ASCII."""
    flags = Characters.of("".join(chosen)).have(np.frombuffer(data, np.uint8))
    assert flags.tolist() == [chr(code) in chosen for code in data]


@given(messages, st.data())
def test_mask_covers_its_spans_and_nothing_else(values: list[bytes], data: st.DataObject) -> None:
    """The messages themselves remain unchanged."""
    byte_rows = texts(values)
    spans = [sorted(data.draw(st.tuples(*[st.integers(0, len(value))] * 2))) for value in values]
    is_one = [data.draw(st.booleans()) for _ in values]
    start, end = (np.array([span[side] for span in spans], np.int64) for side in (0, 1))
    begins = byte_rows.bounds[:-1]
    masked = byte_rows.masked([ByteSpan(np.array(is_one, np.bool_), begins + start, begins + end)])
    assert masked.to_pylist() == [
        value[:first] + bytes([MASK]) * (last - first) + value[last:] if is_masked else value
        for value, (first, last), is_masked in zip(values, spans, is_one, strict=True)
    ]
    assert byte_rows.values.to_pylist() == values


@given(messages, st.sampled_from([0, 0x80]), st.data())
def test_kept_bits_are_neither_masked_nor_altered(
    values: list[bytes], kept_bits: int, data: st.DataObject
) -> None:
    """The other bits are those of the mask, and each altered byte is another one."""
    byte_rows = texts(values)
    begins = byte_rows.bounds[:-1].astype(np.int64)
    lengths = np.array([data.draw(st.integers(0, len(value))) for value in values], np.int64)
    span = ByteSpan(lengths >= 0, begins, begins + lengths, kept_bits)
    masked = byte_rows.masked([span]).to_pylist()
    for row, (value, length) in enumerate(zip(values, lengths.tolist(), strict=True)):
        altered = byte_rows.altered(row, [span])
        assert masked[row][length:] == altered[length:] == value[length:]
        for byte, hidden, other in zip(value[:length], masked[row], altered, strict=False):
            assert hidden == byte & kept_bits | MASK
            assert other & kept_bits == byte & kept_bits
            assert other != byte


def test_spans_are_joined_and_kept_apart() -> None:
    """A span counts where another is none; one that overlaps another is dropped in that message."""
    span = ByteSpan(np.array([True, False, True]), np.array([0, 0, 0]), np.array([4, 4, 4]))
    other = ByteSpan(np.array([True, True, False]), np.array([2, 4, 9]), np.array([3, 6, 9]))
    joined = span.or_else(other)
    assert joined.is_one.tolist() == [True, True, True]
    assert (joined.start.tolist(), joined.end.tolist()) == ([0, 4, 0], [4, 6, 4])
    assert span.apart_from([other]).is_one.tolist() == [False, False, True]
    kept = replace(other, kept_bits=0x80)
    assert span.or_else(kept).is_one.tolist() == [True, False, True]
