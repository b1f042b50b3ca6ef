"""Content: messages are read and compared with their requests, over a generated corpus."""

import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.fs as pafs
import pytest
from headcount_analysis.batches.content import Reader
from headcount_analysis.batches.expected import Expected
from headcount_analysis.ledger.asked_shapes import AskedShapes
from headcount_analysis.messages.kinds import MessageKind
from headcount_analysis.read.topic_range import MESSAGES
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from headcount.ledger.event_digest import describe, digest, shape, signed_hash
from headcount.ledger.schema import Row
from headcount.ledger.writer import LedgerWriter
from headcount.run.id_form import RunIds
from headcount.run.id_location import IdLocation, LocationKind

CORPUS_SIZE = 150
RUN = "run-1"

TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
FRACTIONS = st.floats(allow_nan=False, allow_infinity=False)
NUMBERS = st.integers(-(10**60), 10**60) | st.integers(-100, 100) | FRACTIONS
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
KEYS = st.text(st.characters(codec="utf-8"), max_size=6)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=8,
)
NAMES = st.sampled_from(["event_type", "cart", "player-id", "_x9", "order.id", "größe", ""])
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
    """Events that have a digest: awkward ones, and generated ones."""
    events = [*AWKWARD]

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
        events.append(event)

    gather()
    return events


def read(values: Sequence[bytes | None], shapes: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Return the rows of messages, in order; generators 0 and 7 requested 10 each."""
    return read_by(Reader(Expected(RunIds(RUN), IdLocation(), {0: 10, 7: 10}, shapes)), values)


def read_by(
    reader: Reader, values: Sequence[bytes | None], keys: Sequence[bytes | None] | None = None
) -> list[dict[str, Any]]:
    """Return the rows that a reader makes of one batch of messages."""
    rows = [
        {"partition": 0, "offset": offset, "timestamp_ms": 0, "timestamp_type": 0, "value": value}
        | {"key": None if keys is None else keys[offset]}
        for offset, value in enumerate(values)
    ]
    (batch,) = pa.Table.from_pylist(rows, MESSAGES).to_batches()
    arrivals: list[dict[str, Any]] = reader.arrivals(batch).to_pylist()
    return arrivals


def test_digests_equal_those_of_the_requests(corpus: list[dict[str, object]]) -> None:
    """Every event with a digest has the same digest in the topic, however it is encoded."""
    events = corpus
    shapes = sorted({shape(event) for event in events})
    values = [
        json.dumps({"X-Event-Id": f"{RUN}.0.1", **event, "Host": "here"}, **style)
        for event in events
        for style in ({}, {"ensure_ascii": False}, {"sort_keys": True, "separators": (",", ":")})
    ]

    rows = read([value.encode() for value in values], shapes)

    for place, (value, row) in enumerate(zip(values, rows, strict=True)):
        event = events[place // 3]
        assert row["kind"] == MessageKind.CLAIMED, value
        assert digest(event) in row["digests"], value


def test_digests_distinguish_contents() -> None:
    """A field that is missing, null, or of another type changes the content."""
    versions = ['"m":1', '"m":"1"', '"m":true', '"m":null', '"m":"null"', '"m":[1]', '"n":1']
    values = [f'{{"X-Event-Id":"{RUN}.0.1",{version}}}'.encode() for version in versions]

    digests = [tuple(row["digests"]) for row in read(values, ["m"])]

    assert len(set(digests)) == len(versions)
    assert digests[-1] == ()


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
    "run-1.0.0": MessageKind.CLAIMED,
    "run-1.0.9": MessageKind.CLAIMED,
    "run-1.7.3": MessageKind.CLAIMED,
    "run-1.0.10": MessageKind.PHANTOM,
    "run-1.1.0": MessageKind.PHANTOM,
    "run-1.0.01": MessageKind.PHANTOM,
    "run-1.0.-1": MessageKind.PHANTOM,
    "run-1.0.1 ": MessageKind.PHANTOM,
    "run-1.0.1\n": MessageKind.PHANTOM,
    "run-1.0": MessageKind.PHANTOM,
    "run-1.": MessageKind.PHANTOM,
    "run-1.0.1.1": MessageKind.PHANTOM,
    "run-1.0.999999999999999999": MessageKind.PHANTOM,
    "run-1.0.9999999999999999999": MessageKind.PHANTOM,
    "run-1.999999999999999999.0": MessageKind.PHANTOM,
    "run-1.0.\u0661": MessageKind.PHANTOM,
    "run-1.example.com": MessageKind.FOREIGN,
    "run-1": MessageKind.FOREIGN,
    "run-10.0.1": MessageKind.FOREIGN,
    " run-1.0.1": MessageKind.FOREIGN,
    "Run-1.0.1": MessageKind.FOREIGN,
    "other.0.1": MessageKind.FOREIGN,
    "": MessageKind.FOREIGN,
}

NO_IDENTITY = [
    b"{}",
    b'{"X-Event-Id":null}',
    b'{"X-Event-Id":1}',
    b'{"X-Event-Id":["run-1.0.1"]}',
    b'{"X-Event-Id":{"run-1.0.1":1}}',
    b'{"x-event-identity":"run-1.0.1"}',
    b'{"a":{"X-Event-Id":"run-1.0.1"}}',
    b' \t\r\n{"a":1}\n ',
    b"\xef\xbb\xbf{}",
    b'{"a":1,"a":1}',
    b'{"a":%s}' % (b"9" * 5000),
    b"{" + b'"a":[' * 1 + b"[" * 200 + b"]" * 201 + b"}",
]


def test_kinds() -> None:
    """Anything but a JSON object is malformed; an id has one spelling, and only a text is an id.

    What is malformed and has an id of the run in it, anywhere, is garbled.
    """
    named = [json.dumps({"X-Event-Id": text}).encode() for text in IDENTITIES]
    values = [*MALFORMED, *named, *NO_IDENTITY]
    expected = [
        *(
            MessageKind.GARBLED if value and b"run-1.0.1" in value else MessageKind.MALFORMED
            for value in MALFORMED
        ),
        *IDENTITIES.values(),
        *[MessageKind.FOREIGN] * len(NO_IDENTITY),
    ]

    rows = read(values, ["event_type"])

    for value, row, kind in zip(values, rows, expected, strict=True):
        assert row["kind"] == kind, value
        assert (row["generator"] is not None) == (kind is MessageKind.CLAIMED), value
    claimed = {(row["generator"], row["seq"]) for row in rows if row["kind"] == MessageKind.CLAIMED}
    assert claimed == {(0, 0), (0, 9), (7, 3)}
    assert {MessageKind.GARBLED, MessageKind.MALFORMED} <= {row["kind"] for row in rows}
    unreadable = [
        row for row in rows if row["kind"] in {MessageKind.MALFORMED, MessageKind.GARBLED}
    ]
    assert {row["claimed_id"] for row in unreadable} == {None}


def test_numbers_with_an_exponent() -> None:
    """A number equals itself with and without an exponent, and no other number."""
    numbers = [
        *[(12345678.5, "1.23456785E7", True), (12345678.25, "1.23456785E7", False)],
        *[(100, "1e2", True), (0.0005, "5.0E-4", True), (0.0005, "5.0E-5", False)],
        *[(10**20, "1.0E20", True), (10**20 + 1, "1.0E20", False), (0, "0e0", True)],
        *[("1.0E7", '"1.0E7"', True), (10**7, '"1.0E7"', False), (0, "1.7E-19", False)],
    ]
    values = [f'{{"X-Event-Id":"{RUN}.0.1","quantity":{text}}}'.encode() for _, text, _ in numbers]

    rows = read(values, sorted({shape({"quantity": asked}) for asked, *_ in numbers}))

    for (asked, text, equal), row in zip(numbers, rows, strict=True):
        assert (digest({"quantity": asked}) in row["digests"]) is equal, (asked, text)


def test_a_float_has_more_than_one_text() -> None:
    """As C's %.17g and Java's BigDecimal write it; an integer and a Decimal have only one."""
    value = 0.4318200495507135
    texts = [
        "0.4318200495507135",
        "0.43182004955071351",
        f"{Decimal(value)}",
        "4.318200495507135e-1",
    ]
    other = "0.43182004955071357"
    asked: list[dict[str, object]] = [{"m": value}, {"m": Decimal("0.4318200495507135")}, {"m": 1}]
    shapes = sorted({shape(event) for event in asked})
    values = [f'{{"X-Event-Id":"{RUN}.0.1","m":{text}}}'.encode() for text in (*texts, other)]

    rows = read(values, shapes)

    assert [digest(asked[0]) in row["digests"] for row in rows] == [True] * 4 + [False]
    assert [digest(asked[1]) in row["digests"] for row in rows] == [True, False, False, True, False]


DEFECTS: list[tuple[bytes | None, str]] = [
    (None, "tombstone (no value)"),
    (b"", "empty"),
    (b" \n", "empty"),
    (b"\x00\x00\x00\x00\x07{}", "framed for a schema registry, schema 7"),
    (b"\x00\x00\x01\x86\xa0\x02\x08name", "framed for a schema registry, schema 100000"),
    (b'{"a": NaN}', "NaN"),
    (b'{"a": -Infinity}', "-Infinity"),
    (b'"{\\"a\\": 1}"', "JSON inside a JSON string"),
    (b'"text"', "a JSON string, not an object"),
    (b"[{}]", "a JSON array, not an object"),
    (b"null", "JSON, but not an object"),
    (b"{'a': 1}", "Python's repr"),
    (b'{"a": None}', "Python's repr"),
    (b'{"a": "\xff"}', "not UTF-8"),
    ('{"a": 1}'.encode("utf-16"), "not UTF-8, but in UTF-16"),
    (b'{"a": "\\ud800"}', "half a surrogate pair"),
    (b'{"a": "x', "truncated JSON"),
    (b'{"a": 1', "truncated JSON"),
    (b'{"a": 1}{"a": 1}', "more than one JSON value"),
    (b"[" * 100_000, "nested too deeply"),
    (b"GET / 200", "not JSON"),
    (b'{"X-Event-Id": "a", "X-Event-Id": "a"}', "the field X-Event-Id occurs twice"),
    (b'{"X-Event-Id": "a", "x-event-id": "b"}', "the fields X-Event-Id and x-event-id differ"),
]


def test_malformed_messages_have_a_defect() -> None:
    """In words for the author of the service."""
    rows = read([value for value, _ in DEFECTS])
    assert [row["defect"] for row in rows] == [defect for _, defect in DEFECTS]
    assert {row["kind"] for row in rows} == {MessageKind.MALFORMED}


def test_the_numbers_of_schemas_are_bounded() -> None:
    """Bytes that look like frames do not each create a new defect."""
    values = [b"\x00" + number.to_bytes(4) + b"{}" for number in range(1000)]
    assert len({row["defect"] for row in read(values)}) < 50


GARBLED = {
    b"run-1.0.1": True,
    b"lost: run-1.0.1.": True,
    b'x "run-1.7.3", y': True,
    b"/events/run-1.0.1/": True,
    b"https://run-1.example.com/": False,
    b"run-1": False,
    b"run-1.0": False,
    b"run-1.0.x": False,
    b"run-1.0.1x": False,
    b"run-1.0.1.7": False,
    b"run-1.01.1": False,
    b"my-run-1.0.1": False,
    b"of.run-1.0.1": False,
    b"run-11.0.1": False,
}


def test_only_a_whole_id_is_garbled() -> None:
    """The run's tag alone may be an ordinary word, or a part of one."""
    rows = read(list(GARBLED))
    for value, row in zip(GARBLED, rows, strict=True):
        assert row["kind"] == (MessageKind.GARBLED if GARBLED[value] else MessageKind.MALFORMED), (
            value
        )


SPELLINGS = ["X-Event-Id", "x-event-id", "X-EVENT-ID", "HTTP_X_EVENT_ID", "x_event_id"]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_the_header_name_is_case_insensitive(spelling: str) -> None:
    """Each framework's spelling gives the same result, even after the reader has learned it."""
    values = [an_event(seq % 10).replace(b"X-Event-Id", spelling.encode()) for seq in range(40)]
    reader = Reader(Expected(RunIds(RUN), IdLocation(), {0: 10}, ["m"]))
    for rows in (read_by(reader, values), read_by(reader, values)):
        assert {row["kind"] for row in rows} == {MessageKind.CLAIMED}
        assert [row["seq"] for row in rows] == [seq % 10 for seq in range(40)]
        assert {tuple(row["digests"]) for row in rows} == {(digest({"m": 1}),)}
    assert len(reader._known) <= 3  # noqa: SLF001 - it is read once, like the header's own spelling


def test_a_field_that_was_named_must_match_exactly() -> None:
    """JSON field names are case-sensitive, unlike HTTP headers."""
    reader = Reader(
        Expected(RunIds(RUN), IdLocation(LocationKind.FIELD, "order.id"), {0: 10}, ["m"])
    )
    values = [b'{"order.id": "run-1.0.1", "m": 1}', b'{"Order.Id": "run-1.0.1", "m": 1}']
    assert [row["kind"] for row in read_by(reader, values)] == [
        MessageKind.CLAIMED,
        MessageKind.FOREIGN,
    ]


def test_two_spellings_in_one_message() -> None:
    """They are one id if they agree; otherwise the event has no known owner."""
    both = b'{"X-Event-Id": "run-1.0.%d", "HTTP_X_EVENT_ID": "run-1.0.%d", "m": 1}'
    other = b'{"x-event-id": "run-1.0.%d", "X-EVENT-ID": "else", "m": 1}'
    values = [
        *[both % (seq, seq) for seq in range(10)],
        *[both % (seq, 9 - seq) for seq in range(10)],
        *[other % seq for seq in range(10)],
        *[an_event(seq) for seq in range(10)],
    ]
    kinds = [row["kind"] for row in read(values, ["m"])]
    assert kinds[:10] == kinds[30:] == [MessageKind.CLAIMED] * 10
    assert set(kinds[10:30]) == {MessageKind.GARBLED}


def test_two_spellings_are_compared_in_each_message() -> None:
    """Even if both always differ, as volatile fields do."""
    both = b'{"X-Event-Id": "run-1.0.%d", "x-event-id": "%b.0.%d", "m": 1}'
    values = [
        both % (seq + 100, b"run-2" if seq % 50 == 7 else b"run-1", seq + 100) for seq in range(400)
    ]
    reader = Reader(Expected(RunIds(RUN), IdLocation(), {0: 1000}, ["m"]))
    for rows in (read_by(reader, values), read_by(reader, values)):
        garbled = [seq for seq, row in enumerate(rows) if row["kind"] == MessageKind.GARBLED]
        assert garbled == [seq for seq in range(400) if seq % 50 == 7]
        assert {row["kind"] for row in rows} == {MessageKind.GARBLED, MessageKind.CLAIMED}


@pytest.mark.parametrize("within", ["%s", '{"a": %s}', '[1, {"a": {"b": %s}}]'])
def test_a_repeated_key_changes_the_content(within: str) -> None:
    """At any level, whether requested or not: the event is delivered and corrupted."""
    twice = within % '{"k": 1, "k": 1}'
    values = [
        f'{{"X-Event-Id": "run-1.0.{seq}", "m": 1, "more": {twice}}}'.encode() for seq in range(9)
    ]
    rows = read(values, ["m"])
    assert {row["kind"] for row in rows} == {MessageKind.CLAIMED}
    assert [row["digests"] for row in rows] == [[]] * 9


def test_large_integers_and_a_byte_order_mark_are_read() -> None:
    """Python's limit on integer digits does not apply, and a byte order mark is not content."""
    large = 10**6000 + 7
    text = b'{"X-Event-Id": "run-1.0.1", "m": 1%b7}' % (b"0" * 5999)
    rows = read([text, b"\xef\xbb\xbf" + an_event(2), text.replace(b"07}", b"08}")], ["m"])
    assert [row["kind"] for row in rows] == [MessageKind.CLAIMED] * 3
    assert [row["digests"] for row in rows[:2]] == [[digest({"m": large})], [digest({"m": 1})]]
    assert rows[2]["digests"] != rows[0]["digests"]


def test_any_number_of_shapes_is_read(tmp_path: Path) -> None:
    """If there are many, a message is tried only with its own attempt's shape."""
    events = [
        {"event_type": "p", **{f"o{bit}": seq for bit in range(10) if seq >> bit & 1}}
        for seq in range(1000)
    ]
    described = [describe(event) for event in events]
    writer = LedgerWriter(pafs.LocalFileSystem(), str(tmp_path), RUN, 0)
    writer.open()
    writer.reserve(1000)
    for first, half in ((0, described[:700]), (700, described[700:])):
        writer.write_segment(
            Row(first + at, "p", "u", event.shape, event.digest, 0, 0, 0, 200, "acked", None)
            for at, event in enumerate(half)
        )
    names = frozenset({"event_type", *(f"o{bit}" for bit in range(10))})
    segments = ("0/segment-000000.parquet", "0/segment-000001.parquet")
    asked = AskedShapes(str(tmp_path), segments, names)
    reader = Reader(Expected(RunIds(RUN), IdLocation(), {0: 2000}, (), asked))

    # The service fills in what was left out; the last was never asked for.
    filled = {f"o{bit}": "default" for bit in range(10)}
    values = [
        json.dumps({"X-Event-Id": f"{RUN}.0.{seq}", **filled, **event}).encode()
        for seq, event in enumerate([*events, events[0]])
    ]
    rows = read_by(reader, values)
    assert [row["digests"] for row in rows] == [
        *([event_described.digest] for event_described in described),
        [],
    ]


def test_corpus_is_not_trivial(corpus: list[dict[str, object]]) -> None:
    """The corpus has values that languages encode differently."""
    values = [value for event in corpus for value in event.values()]

    assert len(corpus) > CORPUS_SIZE // 2
    assert {type(value) for value in values} >= {dict, list, str, int, float, bool, type(None)}


def one_by_one(values: Sequence[bytes | None], shapes: Sequence[str]) -> list[dict[str, Any]]:
    """Read each message with its own reader, so that nothing is shared."""
    return [{**read([value], shapes)[0], "offset": offset} for offset, value in enumerate(values)]


def an_event(seq: object, **more: object) -> bytes:
    """An event with an id of the run."""
    return json.dumps({"X-Event-Id": f"{RUN}.0.{seq}", "m": 1, **more}).encode()


SHARING = {
    "the id alone": [an_event(seq) for seq in range(12)],
    "no spaces": [an_event(seq).replace(b": ", b":") for seq in range(12)],
    "in another field": [an_event(seq, m=f"{RUN}.0.{seq}") for seq in range(12)],
    "in another field, escaped": [
        an_event(seq, m="x").replace(b'"x"', b'"\\u0072un-1.0.%d"' % seq) for seq in range(12)
    ],
    "the same in another field": [an_event(seq, m=f"{RUN}.0.7") for seq in range(12)],
    "in an object within": [
        b'{"a": {"X-Event-Id": "run-1.0.%d"}, "X-Event-Id": "run-1.0.%d"}' % (seq, seq % 3)
        for seq in range(12)
    ],
    "in an object within alone": [
        b'{"a": {"X-Event-Id": "run-1.0.%d"}, "X-Event-Id": "else"}' % seq for seq in range(12)
    ],
    "the field's name escaped": [
        b'{"X-Event-\\u0049d": "run-1.0.%d", "b": {"X-Event-Id": "run-1.0.3"}}' % seq
        for seq in range(12)
    ],
    "a key twice": [
        b'{"X-Event-Id": "run-1.0.%d", "X-Event-Id": "run-1.0.3"}' % seq for seq in range(12)
    ],
    "the mask itself": [
        an_event("#"),
        an_event(1),
        an_event(2),
        an_event("#"),
        b'{"X-Event-Id": "run-1.#.#"}',
        b'{"X-Event-Id": "run-1.0.1"}',
        b'{"X-Event-Id": "run-1.#.#"}',
    ],
    "no number": [an_event(text) for text in ("", "x", "01", "1x", "-1", "1.1", "1 ", "9" * 19)],
    "cut off": [an_event(seq)[: 18 + length] for seq in range(3) for length in range(12)],
    "nothing": [None, b"", None, an_event(1), None],
    "other runs": [an_event(seq).replace(b"run-1", b"run-2") for seq in range(6)],
}


@pytest.mark.parametrize("values", SHARING.values(), ids=SHARING.keys())
def test_shared_reading_equals_separate_reading(values: list[bytes | None]) -> None:
    """Reading messages together, with shared content, gives the same as reading each alone."""
    together = read([*values, *values], ["m"])
    assert together == one_by_one([*values, *values], ["m"])


def test_hashes_distinguish_bytes() -> None:
    """Values have the same hash exactly if all their bytes are equal."""
    values = [an_event(1), an_event(2), an_event(1), an_event(1).replace(b" ", b"  ", 1), b"", None]
    hashes = [row["value_hash"] for row in read(values)]
    assert hashes == [row["value_hash"] for row in one_by_one(values, [])]
    assert hashes[0] == hashes[2] == signed_hash(an_event(1))
    assert len(set(hashes)) == 4


def test_remembered_texts_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader remembers a bounded number of bytes, then forgets and reads on."""
    monkeypatch.setattr("headcount_analysis.batches.content._MOST_REMEMBERED_BYTES", 3000)
    reader = Reader(Expected(RunIds(RUN), IdLocation(), {0: 10**6}, ["m"]))
    values = [an_event(seq, m=seq) for seq in range(100)]
    rows_read = read_by(reader, values)
    assert [row["digests"] for row in rows_read] == [[digest({"m": seq})] for seq in range(100)]
    assert reader._known_bytes < 5000  # noqa: SLF001 - the test is about what it holds


def test_a_compared_id_is_read_in_each_message() -> None:
    """A requested field is compared, even if it is the id's."""
    values = [an_event(seq) for seq in range(5)]
    rows_read = read(values, ["X-Event-Id"])
    assert [row["digests"] for row in rows_read] == [
        [digest({"X-Event-Id": f"{RUN}.0.{seq}"})] for seq in range(5)
    ]


def test_keys_are_distinguished() -> None:
    """By their hash; a message without a key has none."""
    values = [an_event(3)] * 4
    rows = read_by(
        Reader(Expected(RunIds(RUN), IdLocation(), {0: 10}, ["m"])),
        values,
        [b"a", b"a", b"b", None],
    )
    keys = [row["key_hash"] for row in rows]
    assert keys[0] == keys[1] != keys[2]
    assert keys[3] is None


def receipt(number: int) -> str:
    """Make a receipt, as a service may add to an event: each one is different."""
    return f"{number * 2654435761 % 2**32:08x}"


NOISY = {
    "a text": [an_event(n, receipt=receipt(n)) for n in range(300)],
    "a number": [an_event(n, at=17 * n + 10**12, b=1) for n in range(300)],
    "two": [an_event(n, receipt=receipt(n), at=n + 1) for n in range(300)],
    "the id again": [an_event(n, echo=f"{RUN}.0.{n}") for n in range(300)],
    "of any length": [an_event(n, receipt="x" * n) for n in range(300)],
    "escapes": [an_event(n, receipt=receipt(n) + chr(34) * (n % 3)) for n in range(300)],
    "what is asked for": [an_event(n, m=receipt(n)) for n in range(300)],
    "altered now and then": [an_event(n, receipt=receipt(n), m=n % 7) for n in range(300)],
    "some within": [
        an_event(n, m={"receipt": receipt(n)}) if n % 5 == 0 else an_event(n, receipt=receipt(n))
        for n in range(300)
    ],
    "twice now and then": [
        an_event(n, receipt=receipt(n))[:-1] + (b', "receipt": "x"}' if n % 5 == 0 else b"}")
        for n in range(300)
    ],
    "numbers that are none": [
        an_event(n, at=n + 10 ** (6 + n % 2)).replace(
            b'"at": 1', b'"at": 01' if n % 10 == 8 else b'"at": 1'
        )
        for n in range(300)
    ],
    "fractions": [an_event(n, at=n + 0.5) for n in range(300)],
    "signs": [an_event(n, at=n / 4 - 20) for n in range(300)],
    "fractions that are none": [
        an_event(n, at=n + 0.25).replace(
            b".25", (b".25", b".", b".2.5", b".2e5", b".25.", b".2-5", b".-5")[max(0, n % 20 - 13)]
        )
        for n in range(300)
    ],
    "signs that are none": [
        an_event(n, at=-n - 1000).replace(
            b"-", (b"-", b"--", b"-0", b"-.", b"+")[max(0, n % 9 - 4)]
        )
        for n in range(300)
    ],
    "broken now and then": [
        an_event(n, receipt=receipt(n))[: None if n % 5 else -1] for n in range(300)
    ],
    "broken, and an id or none in it": [
        json.dumps({"receipt": f"run-1.0.{n}" if n % 5 == 0 else receipt(n)}).encode()[
            : None if n % 2 else -1
        ]
        for n in range(300)
    ],
    "without an id": [json.dumps({"receipt": receipt(n), "m": n % 2}).encode() for n in range(300)],
    "ids of other places": [
        json.dumps(
            {"receipt": receipt(n), "X-Event-Id": ["run-1.0.1", f"{RUN}.0.{n}"][n % 2]}
        ).encode()
        for n in range(300)
    ],
}


@pytest.mark.parametrize("values", NOISY.values(), ids=NOISY.keys())
def test_volatile_fields_do_not_change_the_result(values: list[bytes | None]) -> None:
    """Fields that were not requested and differ in each message do not change the result."""
    assert read(values, ["m"]) == one_by_one(values, ["m"])


def test_a_written_mask_is_not_a_masked_value() -> None:
    """A broken message is not mistaken for the masked text that it equals."""
    reader = Reader(Expected(RunIds(RUN), IdLocation(), {0: 10}, ["m"]))
    good = [an_event(n % 10, at=n + 1000) for n in range(100)]
    broken = an_event(1, at=1000).replace(b"1000", b"####")
    rows_read = [*read_by(reader, [*good, broken])[-1:], *read_by(reader, [broken])]
    assert [(row_read["kind"], row_read["digests"]) for row_read in rows_read] == [
        (MessageKind.GARBLED, [])
    ] * 2
    assert read_by(reader, good)[-1]["kind"] == MessageKind.CLAIMED


@pytest.mark.parametrize(
    "value",
    [b"1e99999999999999999999", b"-1e-99999999999999999999", b"[" * 600 + b"]" * 600],
    ids=["huge", "tiny", "deep"],
)
def test_values_without_canonical_form_are_read(value: bytes) -> None:
    """A message that cannot be compared does not affect the others."""
    strange = [b'{"%s": %s}' % (name, value) for name in (b"x", b"m", b"event_type")]
    uncomparable = an_event(1).replace(b'"m": 1', b'"m": ' + value)
    rows_read = read([*strange, uncomparable, an_event(2)], ["m"])
    assert [row_read["kind"] for row_read in rows_read] == [
        *[MessageKind.FOREIGN] * 3,
        *[MessageKind.CLAIMED] * 2,
    ]
    assert [len(row_read["digests"]) for row_read in rows_read][-2:] == [0, 1]


def test_messages_with_receipts_are_read_once() -> None:
    """That is why volatile fields are masked."""
    reader = Reader(Expected(RunIds(RUN), IdLocation(), {0: 10}, ["m"]))
    read_by(reader, [an_event(n % 10, receipt=receipt(n), m=n % 3) for n in range(1000)])
    assert len(reader._known) <= 6  # noqa: SLF001 - the test is about what it holds
