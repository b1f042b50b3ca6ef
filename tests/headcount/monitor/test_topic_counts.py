"""Topic counts: each event of the run is counted once, whatever else is in the topic."""

import json

import pytest

from headcount.monitor import event_set, topic_counts
from headcount.monitor.message_ids import Identities
from headcount.monitor.seq_bitmap import unpacked
from headcount.monitor.topic_counts import TopicCounter, TopicCounts, dump, load
from headcount.run.id_form import IdForm, RunIds
from headcount.run.id_location import IdLocation, LocationKind
from headcount.run.ids import tag_of

TAG = tag_of(0x0123_4567_89AB)


def message(event_id: str, event_type: str = "sword") -> bytes:
    """An event as the service publishes it."""
    return json.dumps({"event_type": event_type, "X-Event-Id": event_id}).encode()


def test_events_are_counted_by_type() -> None:
    """A repeated event is a duplicate; messages of another run or of none do not count."""
    tally = TopicCounter(Identities(RunIds("run-1")))
    for event_id in (
        "run-1.0.0",
        "run-1.0.1",
        "run-1.1.0",
        "run-1.0.1",
        "run-2.0.0",
        "x-run-1.0.5",
    ):
        tally.add(message(event_id))
    tally.add(message("run-1.0.70000", "guild"))
    tally.add(None)
    tally.add(b"\xff\xfe")
    assert tally.counts() == {"sword": 3, "guild": 1}
    assert tally.duplicated == 1


def test_a_broken_message_has_arrived() -> None:
    """It counts as its event; only the verification reports that it is malformed."""
    tally = TopicCounter(Identities(RunIds("run-1")))
    tally.add(message("run-1.0.0")[:-1])
    tally.add(b'{"X-Event-Id": "run-1.0.1"')
    assert tally.counts() == {"sword": 1, "other": 1}


def test_seen_events_are_reported_once() -> None:
    """By generator, those since the last report."""
    tally = TopicCounter(Identities(RunIds("run-1")))
    for event_id in ("run-1.0.0", "run-1.0.5000", "run-1.3.1", "run-1.0.0"):
        tally.add(message(event_id))
    seen = {generator: unpacked(pages) for generator, pages in tally.seen().items()}
    assert seen == {0: {0: 1, 1: 1 << 904}, 3: {0: 2}}
    tally.add(message("run-1.0.0"))
    assert tally.seen() == {}


def test_a_message_without_a_value_is_not_a_duplicate() -> None:
    """It may mark that the row of the event before it was deleted, with the same key."""
    tally = TopicCounter(Identities(RunIds("run-1"), IdLocation(LocationKind.KEY, "")))
    tally.add(b"{}", b"run-1.0.0")
    tally.add(None, b"run-1.0.0")
    assert (tally.counts(), tally.duplicated) == ({"other": 1}, 0)
    tally.add(b"{}", b"run-1.0.0")
    assert tally.duplicated == 1


def test_several_ids_are_not_a_duplicate() -> None:
    """Any may be the message's own: all count as arrived, and none as duplicated."""
    tally = TopicCounter(Identities(RunIds("run-1"), IdLocation(LocationKind.FIELD, "id")))
    tally.add(b'["run-1.0.1", "run-1.0.2"]')
    tally.add(b'["run-1.0.2", "run-1.0.1"]')
    assert tally.duplicated == 0
    assert tally.counts() == {"other": 2}
    assert set(unpacked(tally.seen()[0])) == {0}


A, B = "run-1.0.0", "run-1.0.1"


@pytest.mark.parametrize(
    "derived",
    [
        {"event_type": "shipped", "caused_by": A},
        {"event_type": "shipped", "cause": {"X-Event-Id": A}},
        {"event_type": "shipped", "causes": [{"X-Event-Id": A}]},
        {"event_type": "shipped", "X-Event-Id": f"{A} was first"},
        {"event_type": "shipped", "X-Event-Id": [A]},
    ],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_foreign_messages_are_not_duplicates(derived: dict[str, object], *, is_first: bool) -> None:
    """A consumer's events name the id of the event that caused them, elsewhere than in the field.

    They may be read before that event, and there may be many of them.
    """
    tally = TopicCounter(Identities(RunIds("run-1")))
    others = [json.dumps(derived).encode()] * 2
    for value in (*others, message(A)) if is_first else (message(A), *others):
        tally.add(value)
    assert (sum(tally.counts().values()), tally.duplicated) == (1, 0)
    tally.add(message(A))
    assert tally.duplicated == 1


def test_an_event_that_embeds_another_one() -> None:
    """Its own id counts, wherever it stands: nothing is missing, and nothing is duplicated."""
    tally = TopicCounter(Identities(RunIds("run-1")))
    tally.add(message(A))
    tally.add(json.dumps({"previous": {"X-Event-Id": A}, "X-Event-Id": B}).encode())
    assert tally.duplicated == 0
    assert unpacked(tally.seen()[0]) == {0: 0b11}


@pytest.mark.parametrize(
    "value",
    [
        b'{"X-Event-Id": "run-1.0.0", "X-Event-Id": "run-1.0.0"}',
        b'{"X-Event-Id": "run-1.0.0", "x_event_id": "run-1.0.1"}',
        b'{"X-Event-Id": "run-1.0.0", "price": NaN}',
        b'{"X-Event-Id": "run-1.0.0", "name": "\\ud800"}',
        b'{"X-Event-Id": "run-1.0.0"} {}',
        b'{"X-Event-Id": "run-1.0.0"',
        b'[{"X-Event-Id": "run-1.0.0"}]',
        '{"X-Event-Id": "run-1.0.0"}'.encode("utf-16"),
        b"[" * 100_000 + b'"run-1.0.0"',
    ],
    ids=range(9),
)
def test_a_malformed_message_is_not_a_duplicate(value: bytes) -> None:
    """The verdict does not count it as one either."""
    tally = TopicCounter(Identities(RunIds("run-1")))
    for content in (message(A), value, value):
        tally.add(content)
    assert tally.duplicated == 0


@pytest.mark.parametrize(
    "value",
    [
        b'{"X-Event-Id": "run-1.0.0", "total": %b}' % (b"9" * 5000),
        b'{"x_event_id": "run-1.0.0"}',
        b'{"HTTP_X_EVENT_ID": "run-1.0.0", "X-Event-Id": "run-1.0.0"}',
        b'\xef\xbb\xbf{"X-Event-Id": "run-1.0.0"}',
        b'{"X-Event-Id": "run\\u002d1.0.0"}',
        b'{"X-Event-Id": "\\u0072un-1.0.0", "cause": {"X-Event-Id": "run-1.0.1"}}',
    ],
)
def test_every_spelling_that_the_verdict_reads_counts(value: bytes) -> None:
    """As arrived, and a second one as a duplicate."""
    tally = TopicCounter(Identities(RunIds("run-1")))
    tally.add(value)
    assert unpacked(tally.seen()[0]) == {0: 1}
    tally.add(value)
    assert (tally.counts(), tally.duplicated) == ({"other": 1}, 1)


def test_a_field_that_was_named_must_match_exactly() -> None:
    """Another spelling of it is another field."""
    tally = TopicCounter(Identities(RunIds("run-1"), IdLocation(LocationKind.FIELD, "id")))
    for name in ("id", "ID", "Id"):
        tally.add(json.dumps({name: A}).encode())
    assert tally.duplicated == 0
    tally.add(json.dumps({"id": A}).encode())
    assert tally.duplicated == 1


def test_forged_ids_do_not_exhaust_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the page limit, ids are counted without deduplication."""
    monkeypatch.setattr(event_set, "MOST_PAGES", 2)
    tally = TopicCounter(Identities(RunIds("run-1")))
    for seq in (1, 10**12, 10**17, 10**17, 1):
        tally.add(message(f"run-1.0.{seq}"))
    assert (tally.counts(), tally.duplicated) == ({"sword": 4}, 1)


def test_forged_types_do_not_exhaust_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond MOST_TYPES names, the rest is grouped."""
    monkeypatch.setattr(topic_counts, "MOST_TYPES", 2)
    tally = TopicCounter(Identities(RunIds("run-1")))
    for number, event_type in enumerate(("a", "b", "c", "d", "a")):
        tally.add(message(f"run-1.0.{number}", event_type))
    assert tally.counts() == {"a": 2, "b": 1, "other": 2}


def test_serialization() -> None:
    """Counts are read as written; any other line is skipped."""
    seen = TopicCounts(2.5, 1.5, {"sword": 3}, 1, 4, {0: [(0, "1f")]}, "no broker")
    assert load(dump(seen)) == seen
    assert load(b"Traceback (most recent call last):") is None
    assert load(b'{"at_s": 1}') is None


def traceparent(trace_id: str) -> tuple[tuple[str, bytes], ...]:
    """Return the headers of a traced message."""
    return (("traceparent", f"00-{trace_id}-00f067aa0ba902b7-01".encode()),)


@pytest.mark.parametrize("form", list(IdForm))
def test_ids_beside_the_value(form: IdForm) -> None:
    """In a key, a header or a trace; a repeated one is a duplicate, one of another run is none."""
    ids, others = RunIds(TAG, form), RunIds(tag_of(7), form)
    sent = [ids.text(0, 1), ids.text(0, 2), ids.text(0, 1), others.text(0, 3)]
    by_key = TopicCounter(Identities(ids, IdLocation(LocationKind.KEY, "")))
    by_header = TopicCounter(Identities(ids, IdLocation(LocationKind.HEADER, "X-Request-Id")))
    for text in sent:
        by_key.add(b"{}", text.encode())
        by_header.add(b"{}", None, (("x-request-id", text.encode()), ("other", b"1")))
    for tally in (by_key, by_header):
        assert (dict(tally.counts()), tally.duplicated) == ({"other": 2}, 1)


def test_traces() -> None:
    """The trace-id is the second part of the header."""
    ids = RunIds(TAG, IdForm.TRACE)
    tally = TopicCounter(Identities(ids, IdLocation(LocationKind.TRACEPARENT, "")))
    for seq in (0, 1, 1):
        tally.add(b"{}", None, traceparent(ids.text(0, seq)))
    tally.add(b"{}", None, traceparent("0" * 32))
    assert (dict(tally.counts()), tally.duplicated) == ({"other": 2}, 1)


@pytest.mark.parametrize("form", list(IdForm))
def test_ids_within_other_formats(form: IdForm) -> None:
    """An event counts as arrived wherever its id is, as text or as 16 bytes."""
    ids = RunIds(TAG, form)
    text = ids.text(0, 1).encode()
    avro = b"\0\0\0\0\7" + bytes([2 * len(text)]) + text + b"\x0e9"
    tally = TopicCounter(Identities(ids, IdLocation(LocationKind.JSON, "/order/id")))
    tally.add(avro)
    assert tally.counts() == {"other": 1}
    if form is not IdForm.PLAIN:
        tally.add(bytes.fromhex(ids.text(0, 2).replace("-", "")))
        assert tally.counts() == {"other": 2}
