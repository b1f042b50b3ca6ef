"""Content: Spark's reading of a message against Python's, over a generated corpus."""

import json
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import Row, SparkSession

from analysis.content import Expected, Kind, with_content
from headcount.digest import digest, shape
from headcount.errors import EvidenceError

CORPUS_SIZE = 150
RUN = "run-1"

TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
SMALL_DECIMALS = st.decimals(
    min_value=-(10**9), max_value=10**9, places=6, allow_nan=False, allow_infinity=False
).map(float)
NUMBERS = st.integers(-(10**38) + 1, 10**38 - 1) | st.integers(-100, 100) | SMALL_DECIMALS
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
KEYS = st.text(st.characters(max_codepoint=126), max_size=6)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=8,
)
NAMES = st.sampled_from(["event_type", "cart", "player-id", "_x9"])
EVENTS = st.dictionaries(NAMES, VALUES, max_size=4)

AWKWARD: list[dict[str, object]] = [
    {"event_type": "".join(map(chr, range(32))) + '"\\/\x7f\x80\u2028\u2029\ufeff\uffff'},
    {"event_type": "\U0001f5e1\ufe0f \U0001d530 \u00e9 e\u0301 \U0010ffff"},
    {"cart": {"items": [{"b": 1, "a": [None, True, {}]}, []], "": {"é".encode().hex(): 0}}},
    {
        "metal": 0,
        "_x9": -0.0,
        "event_type": 0.0,
        "cart": [-0.0, 1, 1.0, True, False, "1", "true", None],
    },
    {"metal": 10**38 - 1, "_x9": 2**63, "event_type": -(2**63), "cart": 2**53 + 1},
    {"metal": 0.1, "_x9": 1e15, "Z": 123456.789, "cart": 0.0001, "event_type": -1.5},
    {"metal": None, "cart": True},
    {"metal": "absent"},
    {"metal": "null", "cart": "[]"},
    {},
]


@pytest.fixture(scope="module")
def corpus() -> list[dict[str, object]]:
    """Events that have a digest: the awkward ones, and as many from Hypothesis."""
    found = [*AWKWARD]

    @settings(
        max_examples=CORPUS_SIZE,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(EVENTS)
    def gather(event: dict[str, object]) -> None:
        try:
            digest(event)
        except ValueError:
            return
        found.append(event)

    gather()
    return found


def read(
    spark: SparkSession, values: Sequence[bytes | None], shapes: Sequence[str] = ()
) -> Iterator[Row]:
    """Give the content of messages, in their order; generators 0 and 7 asked for 10 each."""
    schema = (
        "partition int, offset long, timestamp_ms long, timestamp_type int, key binary, "
        "value binary"
    )
    rows = [(0, offset, 0, 0, None, value) for offset, value in enumerate(values)]
    expected = Expected(RUN, "X-Event-Id", {0: 10, 7: 10}, shapes)
    contents = with_content(spark.createDataFrame(rows, schema), expected)
    return iter(sorted(contents.collect(), key=lambda row: int(row.offset)))


@pytest.mark.e2e
def test_digests_are_the_same_in_spark(
    spark: SparkSession, corpus: list[dict[str, object]]
) -> None:
    """Every event that Python gives a digest has the same in Spark, however it is written down."""
    events = corpus
    shapes = sorted({shape(event) for event in events})
    values = [
        json.dumps({"X-Event-Id": f"{RUN}.0.1", **event, "Host": "here"}, **style)
        for event in events
        for style in ({}, {"ensure_ascii": False}, {"sort_keys": True, "separators": (",", ":")})
    ]

    rows = list(read(spark, [value.encode() for value in values], shapes))

    for place, (value, row) in enumerate(zip(values, rows, strict=True)):
        event = events[place // 3]
        assert row.kind == Kind.CLAIMED, value
        assert row.digests[shapes.index(shape(event))] == digest(event), value


@pytest.mark.e2e
def test_digests_tell_apart(spark: SparkSession) -> None:
    """A field that is missing, null, or of another type is another content."""
    versions = ['"m":1', '"m":"1"', '"m":true', '"m":null', '"m":"null"', '"m":[1]', '"n":1']
    values = [f'{{"X-Event-Id":"{RUN}.0.1",{version}}}'.encode() for version in versions]

    digests = [row.digests[0] for row in read(spark, values, ["m"])]

    assert len(set(digests)) == len(versions)


MALFORMED: list[bytes | None] = [
    None,
    b"",
    b" ",
    b"null",
    b"1",
    b'"text"',
    b"[]",
    b"[{}]",
    b"{",
    b"{}{}",
    b"{} {}",
    b"{}}",
    b"{} x",
    b"{},{}",
    b"{}]",
    b"{},1]",
    b"[{}]}",
    b"{} // {}",
    b"{}\x00",
    b"\x00{}",
    b"\xef\xbb\xbf{}",
    b'{"a":1,"a":1}',
    b'{"a":NaN}',
    b'{"a":01}',
    b"{'a':1}",
    b"{a:1}",
    b'{"a":1,}',
    b'{"a":"\x01"}',
    b'{"a":"\xff"}',
    b'{"a":"\xed\xa0\x80"}',
    b'{"a":"\\ud800"}',
    b'{"X-Event-Id":"run-1.0.1","X-Event-Id":"run-1.0.1"}',
    b'{"X-Event-Id":"run-1.0.1"',
]

IDENTITIES = {
    "run-1.0.0": Kind.CLAIMED,
    "run-1.0.9": Kind.CLAIMED,
    "run-1.7.3": Kind.CLAIMED,
    "run-1.0.10": Kind.PHANTOM,
    "run-1.1.0": Kind.PHANTOM,
    "run-1.0.01": Kind.PHANTOM,
    "run-1.0.-1": Kind.PHANTOM,
    "run-1.0.1 ": Kind.PHANTOM,
    "run-1.0.1\n": Kind.PHANTOM,
    "run-1.0": Kind.PHANTOM,
    "run-1.": Kind.PHANTOM,
    "run-1.0.1.1": Kind.PHANTOM,
    "run-1.0.999999999999999999": Kind.PHANTOM,
    "run-1.0.9999999999999999999": Kind.PHANTOM,
    "run-1.999999999999999999.0": Kind.PHANTOM,
    "run-1.0.\u0661": Kind.PHANTOM,
    "run-1": Kind.FOREIGN,
    "run-10.0.1": Kind.FOREIGN,
    " run-1.0.1": Kind.FOREIGN,
    "Run-1.0.1": Kind.FOREIGN,
    "other.0.1": Kind.FOREIGN,
    "": Kind.FOREIGN,
}

NO_IDENTITY = [
    b"{}",
    b'{"X-Event-Id":null}',
    b'{"X-Event-Id":1}',
    b'{"X-Event-Id":["run-1.0.1"]}',
    b'{"X-Event-Id":{"run-1.0.1":1}}',
    b'{"x-event-id":"run-1.0.1"}',
    b'{"a":{"X-Event-Id":"run-1.0.1"}}',
    b' \t\r\n{"a":1}\n ',
    b"{" + b'"a":[' * 1 + b"[" * 200 + b"]" * 201 + b"}",
]


@pytest.mark.e2e
def test_kinds(spark: SparkSession) -> None:
    """What is no JSON object is malformed, an id has one spelling, and only a text is an id.

    What is malformed and has an id of the run in it, anywhere, is garbled.
    """
    named = [json.dumps({"X-Event-Id": text}).encode() for text in IDENTITIES]
    values = [*MALFORMED, *named, *NO_IDENTITY]
    expected = [
        *(Kind.GARBLED if value and b"run-1." in value else Kind.MALFORMED for value in MALFORMED),
        *IDENTITIES.values(),
        *[Kind.FOREIGN] * len(NO_IDENTITY),
    ]

    rows = list(read(spark, values, ["event_type"]))

    for value, row, kind in zip(values, rows, expected, strict=True):
        assert row.kind == kind, value
        assert (row.generator is not None) == (kind is Kind.CLAIMED), value
    claimed = {(row.generator, row.seq) for row in rows if row.kind == Kind.CLAIMED}
    assert claimed == {(0, 0), (0, 9), (7, 3)}
    assert {Kind.GARBLED, Kind.MALFORMED} <= {row.kind for row in rows}
    unreadable = [row for row in rows if row.kind in {Kind.MALFORMED, Kind.GARBLED}]
    assert {row.claimed_id for row in unreadable} == {None}


@pytest.mark.e2e
def test_numbers_with_an_exponent(spark: SparkSession) -> None:
    """A number is the same one with an exponent and without, and no other."""
    numbers = [
        *[(12345678.5, "1.23456785E7", True), (12345678.25, "1.23456785E7", False)],
        *[(100, "1e2", True), (0.0005, "5.0E-4", True), (0.0005, "5.0E-5", False)],
        *[(10**20, "1.0E20", True), (10**20 + 1, "1.0E20", False), (0, "0e0", True)],
        *[("1.0E7", '"1.0E7"', True), (10**7, '"1.0E7"', False), (0, "1.7E-19", False)],
    ]
    values = [f'{{"X-Event-Id":"{RUN}.0.1","quantity":{text}}}'.encode() for _, text, _ in numbers]

    rows = list(read(spark, values, ["quantity"]))

    for (asked, text, equal), row in zip(numbers, rows, strict=True):
        assert (row.digests[0] == digest({"quantity": asked})) is equal, (asked, text)


@pytest.mark.parametrize("name", ['a"]', "a.b", "", "a b", "$", "é"])
def test_field_names_are_checked(name: str) -> None:
    """A name that could break out of a path is refused before it becomes part of one."""
    with pytest.raises(EvidenceError, match="field name"):
        Expected(RUN, name, {}, [])
    with pytest.raises(EvidenceError, match="field name"):
        Expected(RUN, "X-Event-Id", {}, [f"event_type,{name or '.'}"])


def test_too_many_shapes_are_refused() -> None:
    """Each shape costs a digest per message, so their number is bounded."""
    with pytest.raises(EvidenceError, match="257 shapes"):
        Expected(RUN, "X-Event-Id", {}, [f"field{number}" for number in range(257)])


def test_corpus_is_not_trivial(corpus: list[dict[str, object]]) -> None:
    """The corpus holds what is hard to write the same in two languages."""
    values = [value for event in corpus for value in event.values()]

    assert len(corpus) > CORPUS_SIZE // 2
    assert {type(value) for value in values} >= {dict, list, str, int, float, bool, type(None)}
