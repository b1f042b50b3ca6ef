"""Id places: every form of an id is read at every place, alone and together, and never wrongly."""

import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from headcount_analysis.batches.content import Reader
from headcount_analysis.batches.expected import Expected
from headcount_analysis.messages.kinds import MessageKind
from headcount_analysis.read.topic_range import MESSAGES

from headcount.ledger.event_digest import describe
from headcount.run.id_form import IdForm, RunIds
from headcount.run.id_location import parse_location
from headcount.run.ids import tag_of

TAG = tag_of(0x0123_4567_89AB)
EVENT = {"event_type": "order", "quantity": 3}
SHAPE, DIGEST = describe(EVENT).shape, describe(EVENT).digest
FORMS = list(IdForm)

Message = dict[str, Any]
Carry = Callable[[str], Message]


def message(event: object = EVENT, **parts: Any) -> Message:
    """Make a row of MESSAGES; headers are pairs."""
    pairs = parts.pop("headers", ())
    headers = [{"key": name, "value": value} for name, value in pairs]
    value = event if event is None or isinstance(event, bytes) else json.dumps(event).encode()
    return {"value": value, "headers": headers, "topic": "t", "partition": 0, "offset": 0, **parts}


def traceparent(text: str) -> bytes:
    """Write a W3C traceparent."""
    return f"00-{text}-00f067aa0ba902b7-01".encode()


CARRIERS: dict[str, Carry] = {
    "field:X-Event-Id": lambda text: message({**EVENT, "x-event-id": text}),
    "field:order.id": lambda text: message({"order.id": text, **EVENT}),
    "json:/meta/ids/0": lambda text: message({**EVENT, "meta": {"ids": [text]}}),
    "json:/headers/X-Event-Id": lambda text: message({**EVENT, "headers": {"X_EVENT_ID": text}}),
    "header:x-request-id": lambda text: message(headers=[("X-Request-Id", text.encode())]),
    "key": lambda text: message(key=text.encode()),
    "traceparent": lambda text: message(headers=[("traceparent", traceparent(text))]),
}


PAIRS = [
    (place, form)
    for place in CARRIERS
    for form in FORMS
    if place != "traceparent" or form is IdForm.TRACE
]


def read(place: str, form: IdForm, messages: list[Message], asked: int = 10_000) -> pa.Table:
    """Read messages as a run's, which may have used numbers below `asked`."""
    expected = Expected(RunIds(TAG, form), parse_location(place), {0: asked, 7: asked}, [SHAPE])
    (batch,) = pa.Table.from_pylist(messages, MESSAGES).combine_chunks().to_batches()
    return Reader(expected).arrivals(batch)


def rows(place: str, form: IdForm, messages: list[Message]) -> list[tuple[Any, ...]]:
    """Read messages, and return kind, generator, seq and digests of each."""
    names = ["kind", "generator", "seq", "digests"]
    table = read(place, form, messages)
    return list(zip(*(table[name].to_pylist() for name in names), strict=True))


@pytest.mark.parametrize(("place", "form"), PAIRS)
def test_an_id_is_claimed(place: str, form: IdForm) -> None:
    """Many messages with equal content are told apart by their ids alone."""
    ids, carry = RunIds(TAG, form), CARRIERS[place]
    asked = [(generator, seq) for generator in (0, 7) for seq in (0, 9, 10, 4096, 9999)]
    messages = [carry(ids.text(*pair)) for pair in asked]
    expected = [(MessageKind.CLAIMED, *pair, [DIGEST]) for pair in asked]
    assert rows(place, form, messages) == expected
    # One by one they are read the same way.
    assert [rows(place, form, [carrier])[0] for carrier in messages] == expected


@pytest.mark.parametrize(("place", "form"), PAIRS)
def test_other_ids(place: str, form: IdForm) -> None:
    """Another run's id is foreign, an unused or altered one a phantom, and a changed event seen."""
    ids, carry = RunIds(TAG, form), CARRIERS[place]
    own = ids.text(0, 3)
    last = own[-1]
    altered = own[:-1] + ("0" if last != "0" else "1")
    beyond = ids.text(0, 10_000)
    texts = [own, RunIds(tag_of(9), form).text(0, 3), beyond, own]
    kinds = [MessageKind.CLAIMED, MessageKind.FOREIGN, MessageKind.PHANTOM, MessageKind.CLAIMED]
    if form is not IdForm.PLAIN:
        texts.append(altered)
        kinds.append(MessageKind.PHANTOM)
    table = read(place, form, [carry(text) for text in texts])
    assert table["kind"].to_pylist() == kinds
    assert table["claimed_id"].to_pylist()[2] == beyond
    assert table["seq"].to_pylist()[:4] == [3, None, None, 3]


@pytest.mark.parametrize(("place", "form"), PAIRS)
def test_a_changed_event_has_another_digest(place: str, form: IdForm) -> None:
    """Equal content shares what was read; other content does not."""
    ids, carry = RunIds(TAG, form), CARRIERS[place]
    messages = [carry(ids.text(0, seq)) for seq in range(6)]
    messages[4]["value"] = messages[4]["value"].replace(b'"quantity": 3', b'"quantity": 4')
    digests = [row[3] for row in rows(place, form, messages)]
    assert [digest == [DIGEST] for digest in digests] == [True] * 4 + [False, True]
    assert len(digests[4]) == 1


@pytest.mark.parametrize("form", FORMS)
def test_headers_that_occur_twice(form: IdForm) -> None:
    """Two ids in one message, equal or not, make it malformed; it names the run, so garbled."""
    ids = RunIds(TAG, form)
    own, other = ids.text(0, 1).encode(), ids.text(0, 2).encode()
    twice = [
        message(headers=[("id", own), ("ID", own)]),
        message(headers=[("id", own), ("x", b"1"), ("id", other)]),
        message(headers=[("id", own)]),
    ]
    table = read("header:id", form, twice)
    kinds = [MessageKind.GARBLED, MessageKind.GARBLED, MessageKind.CLAIMED]
    assert table["kind"].to_pylist() == kinds
    assert table["defect"].to_pylist()[:2] == [
        "ids in the record header id occur twice",
        "ids in the record header id differ",
    ]


@pytest.mark.parametrize("place", ["header:id", "key"])
def test_messages_without_an_id(place: str) -> None:
    """They are foreign, or malformed if they cannot be read, together or alone."""
    ids = RunIds(TAG)
    own = ids.text(0, 1).encode()
    messages = [
        message(),
        message(key=b"player-1", headers=[("id", b"something")]),
        message(b"{"),
        message(b"{", key=own, headers=[("id", own)]),
        message(None, key=own, headers=[("id", own)]),
        message(None),
        message(key=own.upper(), headers=[("id", b" " + own)]),
    ]
    kinds = [
        *(MessageKind.FOREIGN, MessageKind.FOREIGN, MessageKind.MALFORMED),
        *(MessageKind.GARBLED, MessageKind.GARBLED, MessageKind.MALFORMED, MessageKind.FOREIGN),
    ]
    assert read(place, IdForm.PLAIN, messages)["kind"].to_pylist() == kinds


@pytest.mark.parametrize(
    ("place", "event", "kind"),
    [
        ("json:/a/b", b'{"a": {"b": "ID", "b": "ID"}}', MessageKind.GARBLED),
        ("json:/a/b", b'{"a": {"c": "ID"}}', MessageKind.FOREIGN),
        ("json:/a/b", b'{"a": ["ID"]}', MessageKind.FOREIGN),
        ("json:/a/0", b'{"a": ["ID"]}', MessageKind.CLAIMED),
        ("json:/a/b", b'{"a": {"b": 7}}', MessageKind.FOREIGN),
        ("json:/X-Event-Id", b'{"x_event_id": "ID", "X-Event-Id": "ID"}', MessageKind.CLAIMED),
        ("json:/X-Event-Id", b'{"x_event_id": "other", "X-Event-Id": "ID"}', MessageKind.GARBLED),
        ("json:/a~1b/c", b'{"a/b": {"c": "ID"}}', MessageKind.CLAIMED),
    ],
)
def test_pointers(place: str, event: bytes, kind: MessageKind) -> None:
    """A pointer leads to one value; a key that occurs twice makes it uncertain."""
    own = RunIds(TAG).text(0, 1).encode()
    table = read(place, IdForm.PLAIN, [message(event.replace(b"ID", own))] * 2)
    assert table["kind"].to_pylist() == [kind, kind]
