"""Bytes of many messages, looked at together: the same is found as by looking at one at a time."""

import re
import string

import numpy as np
import pyarrow as pa
from headcount_analysis.arrow_types import Integers
from headcount_analysis.messages.byte_rows import MASK, ByteRows, ByteSpan, Characters
from hypothesis import given
from hypothesis import strategies as st

DIGITS = Characters.of(string.digits)
PLAIN = Characters.of("".join(map(chr, range(0x20, 0x7F))).replace('"', ""))

messages = st.lists(
    st.one_of(
        st.binary(max_size=80),
        st.text('1234a"', max_size=200).map(str.encode),
        st.tuples(st.binary(max_size=5), st.integers(0, 10**9), st.binary(max_size=5)).map(
            lambda told: told[0] + b'"id":"%d"' % told[1] + told[2]
        ),
    ),
    max_size=12,
)
"""Of any bytes, of long ranges of a few, and of what a service may write."""


def texts(values: list[bytes], before: int = 0) -> ByteRows:
    """Take messages, with so many others before them in the same buffers."""
    whole = pa.array([b"7" * each for each in range(before)] + values, pa.binary())
    return ByteRows.of(whole.slice(before))


def places(found: ByteRows, at: Integers) -> list[int]:
    """Tell places by the message that they are in."""
    return list(map(int, np.where(at < 0, -1, at - found.bounds[:-1])))


@given(messages, st.sampled_from([b'"id":"', b"1", b'"', b"4a"]), st.integers(0, 3))
def test_pattern_is_found_in_every_message_that_has_it(
    values: list[bytes], pattern: bytes, before: int
) -> None:
    """Any of its places will do, and a message without it has none."""
    found = texts(values, before)
    for value, place in zip(values, places(found, found.after(pattern)), strict=True):
        starts = [each.start() for each in re.finditer(b"(?=" + re.escape(pattern) + b")", value)]
        assert place in [start + len(pattern) for start in starts] if starts else place == -1


@given(messages)
def test_first_pattern_goes_before_the_second(values: list[bytes]) -> None:
    """Another is only looked for where the first is not."""
    found = texts(values)
    at = places(found, found.after(b'"id":"', b'"'))
    for value, place in zip(values, at, strict=True):
        pattern = b'"id":"' if b'"id":"' in value else b'"'
        assert place == -1 if pattern not in value else value[:place].endswith(pattern)


def test_pattern_is_found_wherever_the_others_have_it() -> None:
    """Where most have it is looked at first, and all others are searched."""
    alike = [b'{"a":"x","id":"%d"}' % number for number in range(100)]
    odd = [b"", b'"id":"', b'{"id":"7","b":1}', b'{"a":"xy","id":"8"}', b'x"id":', alike[3][:-3]]
    values = [*alike[:50], *odd, *alike[50:]]
    found = texts(values)
    expected = [value.find(b'"id":"') for value in values]
    assert places(found, found.after(b'"id":"')) == [
        each + 6 if each >= 0 else -1 for each in expected
    ]


def test_pattern_does_not_reach_into_the_next_message() -> None:
    """What two messages have between them neither has."""
    found = texts([b'xx"id":"1', b'yy"i', b'd":"2', b'zz"id":"3'])
    assert places(found, found.after(b'"id":"')) == [8, -1, -1, 8]


@given(messages, st.integers(0, 90), st.sampled_from([18, 64, 100]), st.integers(0, 3))
def test_run_ends_where_something_else_begins(
    values: list[bytes], start: int, longest: int, before: int
) -> None:
    """Or where the message or its bound does."""
    found = texts(values, before)
    begins = np.array([start if start <= len(value) else -1 for value in values], np.int64)
    at = np.where(begins < 0, -1, begins + found.bounds[:-1])
    for characters, pattern in ((DIGITS, rb"[0-9]*"), (PLAIN, rb"[ !#-~]*")):
        ends = places(found, found.run(at, characters, longest))
        for value, begin, end in zip(values, begins, ends, strict=True):
            same = re.compile(pattern).match(value, begin) if begin >= 0 else None
            assert end == (-1 if same is None else min(same.end(), begin + longest))


@given(st.binary(max_size=300), st.sets(st.sampled_from(string.printable), min_size=1))
def test_characters_are_told_from_others(data: bytes, chosen: set[str]) -> None:
    """Of all bytes, those beyond ASCII too."""
    found = Characters.of("".join(chosen)).have(np.frombuffer(data, np.uint8))
    assert found.tolist() == [chr(each) in chosen for each in data]


@given(messages, st.data())
def test_mask_covers_its_spans_and_nothing_else(values: list[bytes], data: st.DataObject) -> None:
    """The messages themselves stay as they were."""
    found = texts(values)
    spans = [sorted(data.draw(st.tuples(*[st.integers(0, len(each))] * 2))) for each in values]
    is_one = [data.draw(st.booleans()) for _ in values]
    start, end = (np.array([each[side] for each in spans], np.int64) for side in (0, 1))
    begins = found.bounds[:-1]
    masked = found.masked([ByteSpan(np.array(is_one, np.bool_), begins + start, begins + end)])
    assert masked.to_pylist() == [
        value[:first] + bytes([MASK]) * (last - first) + value[last:] if told else value
        for value, (first, last), told in zip(values, spans, is_one, strict=True)
    ]
    assert found.values.to_pylist() == values
