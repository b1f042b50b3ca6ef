"""Placement: whole ids elsewhere are found, and the reason says where."""

import gzip
import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from headcount_analysis.formats.catalogue import format_of
from headcount_analysis.messages.found_place import FoundPlace, PlaceKind
from headcount_analysis.messages.ids_elsewhere import Placement, Search, SeenMessage
from headcount_analysis.messages.json_message import ParsedMessage, parse
from headcount_analysis.messages.record import Record

from headcount.run.id_form import IdForm, RunIds
from headcount.run.ids import tag_of
from headcount.run.message_format import FormatSettings

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
    framed(TEXT): FoundPlace(PlaceKind.FRAMED, "framed for a schema registry, schema 7"),
    # Avro writes a text's length before it, which here is a digit.
    framed(b"\x00" + b"0" + ID.encode() + b"2", 99): FoundPlace(
        PlaceKind.FRAMED, "framed for a schema registry, schema 99"
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
    assert places_in(headers=trace) == []  # it is a part of a longer word


PARTS: dict[str, Callable[[bytes], bytes]] = {
    "in quotes": lambda text: json.dumps(text.decode()).encode(),
    "after a word": lambda text: b"player/" + text,
    "in an object": lambda text: json.dumps({"id": text.decode()}).encode(),
}


@pytest.mark.parametrize("write", PARTS.values(), ids=PARTS.keys())
def test_an_id_in_a_longer_text_beside_the_value(write: Callable[[bytes], bytes]) -> None:
    """No option reads it there, so none is proposed."""
    text = write(ID.encode())
    header = FoundPlace(PlaceKind.PART, "the record header id")
    assert places_in(key=text) == [FoundPlace(PlaceKind.PART, "the record's key")]
    assert places_in(headers=(("id", text),)) == [header]
    assert "in the record header id, but not in the run's form of ids" in header.phrase
    assert "--id-at" not in header.remedy


def test_a_uuid_in_another_spelling() -> None:
    """As some languages write it: without hyphens, or in braces."""
    ids = RunIds(tag_of(0x0123_4567_89AB), IdForm.UUID)
    text = ids.text(0, 7)
    for written in (text.replace("-", ""), f"{{{text}}}", f"urn:uuid:{text}"):
        search = Search(ids)
        value, key = json.dumps({"id": written}).encode(), written.encode()
        search.look([Record("events", 0, 0, None, value), Record("events", 0, 1, key, b"{}")])
        kinds = [sample.place.kind for sample in search.samples]
        assert kinds == [PlaceKind.WITHIN, PlaceKind.PART], written


def test_a_traceparent_in_another_form() -> None:
    """It is no traceparent, though it contains the id."""
    ids = RunIds(tag_of(0x0123_4567_89AB), IdForm.TRACE)
    good = f"00-{ids.text(0, 7)}-0000000000000001-01"
    for text, kind in ((good, PlaceKind.TRACEPARENT), (good.upper(), PlaceKind.PART)):
        search = Search(ids)
        search.look([Record("events", 0, 0, None, b"{}", (("traceparent", text.encode()),))])
        assert [sample.place.kind for sample in search.samples] == [kind]


ENCODED = {
    "gzip": (gzip.compress(TEXT), "compressed by gzip"),
    "little-endian": (TEXT.decode().encode("utf-16"), "in UTF-16"),
    "big-endian": (
        TEXT.decode().encode("utf-16-be").replace(b"\0{", b"\xfe\xff\0{", 1),
        "in UTF-16",
    ),
}


@pytest.mark.parametrize(("value", "name"), ENCODED.values(), ids=ENCODED)
def test_an_id_in_encoded_text(value: bytes, name: str) -> None:
    """It is found, and the value's defect names the encoding."""
    assert places_in(value) == [FoundPlace(PlaceKind.UNREADABLE, name)]
    assert parse(value).defect == f"not UTF-8, but {name}"
    assert places_in(value[:-40]) in ([], [FoundPlace(PlaceKind.UNREADABLE, name)])


def test_a_value_that_only_begins_like_an_encoding() -> None:
    """It is unreadable, and says nothing of ids."""
    for start in (b"\x1f\x8b", b"\xff\xfe\0", b"\x28\xb5\x2f\xfd\xff"):
        assert places_in(start + b"\xff") == []
        assert (parse(start + b"\xff").defect or "").startswith("not UTF-8, but ")


CLOUD_EVENT = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "data": {"m": 1}}
BINARY = (("ce_specversion", b"1.0"), ("ce_id", b"1"), ("ce_source", b"/s"), ("ce_type", b"t"))


def test_places_are_those_of_the_run_s_format() -> None:
    """An attribute of a CloudEvent is at a pointer in both modes; its data has fields, too."""
    decode = format_of(FormatSettings("cloudevents")).decode
    search = Search(RunIds(RUN), lambda record: SeenMessage(decode(record)))
    structured = json.dumps({**CLOUD_EVENT, "eventid": ID}).encode()
    binary = (*BINARY, ("ce_eventid", ID.encode()))
    search.look([Record("events", 0, 1, None, structured)])
    search.look([Record("events", 0, 2, None, b'{"m": 1}', binary)])
    ((place, count),) = [(sample.place, sample.count) for sample in search.samples]
    assert (place.remedy, count) == ("--id-at json:/eventid", 2)
    assert place.phrase == "at /eventid"
    in_data = json.dumps({**CLOUD_EVENT, "data": {"id": ID}}).encode()
    assert [place.remedy for place in _places(in_data, decode)] == ["--id-at json:/data/id"]


def _places(value: bytes, decode: Callable[[Record], ParsedMessage]) -> list[FoundPlace]:
    search = Search(RunIds(RUN), lambda record: SeenMessage(decode(record)))
    search.look([Record("events", 0, 0, None, value)])
    return [sample.place for sample in search.samples]


@pytest.mark.parametrize(
    ("value", "defect"),
    [
        (TEXT, "JSON, not framed for a schema registry"),
        (framed(TEXT, 99), "not in the registry, schema 99"),
        (json.dumps({"data": TEXT.decode()}).encode(), "nothing at /order"),
    ],
)
def test_a_value_that_the_format_of_the_run_does_not_read(value: bytes, defect: str) -> None:
    """Another place of ids would not help."""
    (place,) = _places(value, lambda _: ParsedMessage(defect=defect))
    assert place.phrase == f"in a value that the run's --format cannot read ({defect})"
    assert place.location is None
    assert "--format" in place.remedy


def test_a_record_with_its_id_in_place_is_left_out() -> None:
    """It says nothing of the others."""
    search = Search(RunIds(RUN), lambda record: SeenMessage(parse(record.value), ID))
    search.look([Record("events", 0, 0, None, TEXT)])
    assert (search.looked_at, search.samples) == (0, ())


def test_an_id_that_occurs_twice() -> None:
    """The place is right, but the option is no remedy."""
    defect = "the field X-Event-Id occurs twice"
    search = Search(RunIds(RUN), lambda record: SeenMessage(parse(record.value), None, defect))
    search.look([Record("events", 0, 0, None, TEXT)])
    (sample,) = search.samples
    assert sample.phrase == f"there, but {defect} (partition 0, offset 0)"
    assert sample.place.remedy == "make the service write the id only once"


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
    for part in (*places, "no loss can be proven"):
        assert part in seen.evidence
    assert seen.remedy == "--id-at field:request_id"


def test_the_reason_names_another_topic() -> None:
    """And the remedy for the id's place in that topic."""
    in_place = sampled(TEXT, topic="orders").samples
    nested = sampled(b'{"a": {"b": "run-1.0.2"}}', topic="orders").samples
    empty = replace(NOTHING_IN_PLACE, messages=0, looked_at=0, elsewhere=in_place)
    assert "has received no message since the run began" in empty.evidence
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


def test_the_reason_says_that_messages_are_unreadable() -> None:
    """If most of the searched messages are, they may well have ids that cannot be read."""
    compressed = [gzip.compress(b'{"m": %d}' % number) for number in range(3)]
    search = sampled(*compressed, b"{}")
    assert search.unreadable == "not UTF-8, but compressed by gzip"
    assert sampled(*compressed[:1], b"{}").unreadable == ""
    seen = replace(NOTHING_IN_PLACE, unreadable=search.unreadable)
    assert "most of these are unreadable (not UTF-8, but compressed by gzip)" in seen.evidence
    assert "--format" in seen.remedy


def test_some_ids_elsewhere_are_noted() -> None:
    """If others are in place, or nothing is missing, there is no doubt."""
    some = replace(NOTHING_IN_PLACE, samples=sampled(b'{"id": "run-1.0.1"}').samples, at_location=5)
    assert not some.is_doubtful
    assert [note for note in some.notes if "1 of 40" in note and "field id" in note]
    assert not replace(NOTHING_IN_PLACE, missing=0).is_doubtful
    assert list(NOTHING_IN_PLACE.notes) == []
