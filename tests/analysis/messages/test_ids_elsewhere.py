"""Placement: whole ids elsewhere are found, and the reason says where."""

import json
from dataclasses import replace

import pytest
from headcount_analysis.messages.found_place import FoundPlace, PlaceKind
from headcount_analysis.messages.ids_elsewhere import Placement, Search
from headcount_analysis.messages.record import Record

from headcount.run.id_form import RunIds

RUN = "run-1"
ID = "run-1.0.7"
TEXT = json.dumps({"X-Event-Id": ID, "m": 1}).encode()


def places_in(
    value: bytes | None = b"{}",
    key: bytes | None = None,
    headers: tuple[tuple[str, bytes | None], ...] = (),
) -> list[FoundPlace]:
    """Search one record."""
    search = Search(RunIds(RUN))
    search.look([Record("events", 2, 17, key, value, headers)])
    assert search.looked_at == 1
    assert all(
        (sample.partition, sample.offset, sample.count) == (2, 17, 1) for sample in search.samples
    )
    return [sample.place for sample in search.samples]


def framed(text: bytes, schema: int = 7) -> bytes:
    """Put a schema registry's frame before a text."""
    return b"\x00" + schema.to_bytes(4) + text


VALUES = {
    json.dumps({"request_id": ID}).encode(): FoundPlace(PlaceKind.FIELD, "request_id"),
    json.dumps({"größe.id": ID}).encode(): FoundPlace(PlaceKind.FIELD, "größe.id"),
    json.dumps({"request_headers": {"X-Event-Id": ID}}).encode(): FoundPlace(
        PlaceKind.NESTED, "/request_headers/X-Event-Id"
    ),
    json.dumps({"a": [{"b/c": ID}]}).encode(): FoundPlace(PlaceKind.NESTED, "/a/0/b~1c"),
    json.dumps({"payload": TEXT.decode()}).encode(): FoundPlace(PlaceKind.WITHIN, "payload"),
    json.dumps(TEXT.decode()).encode(): FoundPlace(PlaceKind.TWICE),
    framed(TEXT): FoundPlace(PlaceKind.FRAMED, "framed by a schema registry, schema 7"),
    # Avro writes a text's length before it, which here is a digit.
    framed(b"\x00" + b"0" + ID.encode() + b"2", 99): FoundPlace(
        PlaceKind.FRAMED, "framed by a schema registry, schema 99"
    ),
    str({"X-Event-Id": ID}).encode(): FoundPlace(PlaceKind.UNREADABLE, "Python's repr"),
    b"\xff " + ID.encode(): FoundPlace(PlaceKind.UNREADABLE, "not UTF-8"),
}


@pytest.mark.parametrize(("value", "place"), VALUES.items())
def test_an_id_in_a_value_is_found(value: bytes, place: FoundPlace) -> None:
    """The place is the field or pointer, or the value's defect."""
    assert places_in(value) == [place]
    assert place.phrase
    assert place.remedy


def test_an_id_outside_the_value_is_found() -> None:
    """In a record header or the key."""
    trace: tuple[tuple[str, bytes | None], ...] = (("none", None), ("trace", b"00-" + ID.encode()))
    assert places_in(headers=(("X-Event-Id", ID.encode()),)) == [
        FoundPlace(PlaceKind.HEADER, "X-Event-Id")
    ]
    assert places_in(key=ID.encode()) == [FoundPlace(PlaceKind.KEY)]
    assert places_in(None, key=b"player/" + ID.encode()) == [FoundPlace(PlaceKind.KEY)]
    assert places_in(headers=trace) == []  # it is a part of a longer word


OTHERS = [
    b"GET https://run-1.example.com/",
    json.dumps({"a": "run-1"}).encode(),
    json.dumps({"a": f"my-{ID}"}).encode(),
    json.dumps({"a": f"{ID}.5"}).encode(),
    json.dumps({"a": "run-1.0."}).encode(),
    json.dumps({"a": 1}).encode(),
]


@pytest.mark.parametrize("value", OTHERS)
def test_only_a_whole_id_is_found(value: bytes) -> None:
    """The run's tag alone, or a longer word, is not an id."""
    assert places_in(value) == []


def test_a_large_message_is_searched_in_part() -> None:
    """The cost is bounded."""
    value = json.dumps({"a": [[n] for n in range(50_000)], "id": ID}).encode()
    assert places_in(value) == [FoundPlace(PlaceKind.FIELD, "id")]


NOTHING_IN_PLACE = Placement(topic="events", messages=40, missing=10, looked_at=40)


def sampled(*values: bytes, topic: str = "events") -> Search:
    """Search records with these values."""
    search = Search(RunIds(RUN))
    search.look(Record(topic, 0, offset, None, value) for offset, value in enumerate(values))
    return search


def test_the_reason_has_evidence_and_remedy() -> None:
    """With a sample's position and the option; the most frequent place first."""
    one, other = sampled(*[b'{"request_id": "run-1.0.1"}'] * 3, b'{"a": {"b": "run-1.0.2"}}'), 4
    seen = replace(NOTHING_IN_PLACE, samples=one.samples)
    assert one.looked_at == other
    assert seen.is_doubtful
    places = ("top-level field request_id (partition 0, offset 0)", "/a/b")
    for part in (*places, "no loss is certain"):
        assert part in seen.evidence
    assert seen.remedy == "--id-at field:request_id"


def test_the_reason_names_another_topic() -> None:
    """And the remedy for the id's place in that topic."""
    in_place = sampled(TEXT, topic="orders").samples
    nested = sampled(b'{"a": {"b": "run-1.0.2"}}', topic="orders").samples
    empty = replace(NOTHING_IN_PLACE, messages=0, looked_at=0, elsewhere=in_place)
    assert "has no message since the run began" in empty.evidence
    assert "in the topic orders" in empty.evidence
    assert empty.remedy == "--topic orders"
    assert replace(empty, elsewhere=nested).remedy == "--topic orders, and --id-at json:/a/b"


def test_the_reason_says_that_nothing_was_seen() -> None:
    """Neither in the topic nor in another."""
    assert "none of the 40 messages" in NOTHING_IN_PLACE.evidence
    assert "--id-header" in NOTHING_IN_PLACE.remedy
    empty = replace(NOTHING_IN_PLACE, messages=0, looked_at=0)
    assert "no other topic has an id" in empty.evidence
    assert "--topic" in empty.remedy


def test_some_ids_elsewhere_are_noted() -> None:
    """If others are in place, or nothing is missing, there is no doubt."""
    some = replace(NOTHING_IN_PLACE, samples=sampled(b'{"id": "run-1.0.1"}').samples, in_place=5)
    assert not some.is_doubtful
    assert [note for note in some.notes if "1 of 40" in note and "field id" in note]
    assert not replace(NOTHING_IN_PLACE, missing=0).is_doubtful
    assert list(NOTHING_IN_PLACE.notes) == []
