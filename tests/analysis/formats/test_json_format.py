"""JSON and raw: the message itself, an object within it, or nothing of it."""

from decimal import Decimal

import pytest

from headcount.errors import UsageError
from tests.analysis.formats.records import made, record


def test_the_whole_message_is_compared_by_default() -> None:
    """Numbers keep their value, and the root is the event."""
    parsed = made("json").decode(record(b'{"a": 1.10}'))
    assert (parsed.event, parsed.root, parsed.defect) == ({"a": Decimal("1.10")}, None, None)


def test_an_object_within_the_message_is_compared() -> None:
    """The root stays whole, for ids elsewhere; the envelope names the event's type."""
    value = b'{"event_type": "sold", "id": "r.0.1", "data": {"quantity": 3}}'
    parsed = made("json", "/data").decode(record(value))
    assert parsed.event == {"quantity": 3}
    assert parsed.root is not None
    assert (parsed.root["id"], parsed.event_type) == ("r.0.1", "sold")


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("/a~1b/0/~0", b'{"a/b": [{"~": {"q": 3}}]}'),
        ("/text", b'{"text": "{\\"q\\": 3}"}'),
        ("/", b'{"": {"q": 3}}'),
        ("/~01", b'{"~1": {"q": 3}}'),
    ],
)
def test_a_pointer_leads_through_lists_escapes_and_escaped_text(pointer: str, value: bytes) -> None:
    """RFC 6901's escapes, an index, and an object that is written as text."""
    assert made("json", pointer).decode(record(value)).event == {"q": 3}


@pytest.mark.parametrize(
    ("value", "defect"),
    [
        (b'{"other": {}}', "nothing at /data"),
        (b'{"data": [1]}', "no object at /data"),
        (b'{"data": "text"}', "no object at /data"),
        (b"[", "truncated JSON"),
        (None, "tombstone (no value)"),
    ],
)
def test_a_message_without_the_object_has_a_defect(value: bytes | None, defect: str) -> None:
    """What is not there cannot be compared; what is not JSON has the defect of JSON."""
    parsed = made("json", "/data").decode(record(value))
    assert (parsed.event, parsed.defect) == (None, defect)


@pytest.mark.parametrize(
    "value",
    [b'{"data": {"id": 1, "id": 2}}', b'{"data": "{\\"id\\": 1, \\"id\\": 2}"}'],
)
def test_a_repeated_key_of_the_object_is_its_own(value: bytes) -> None:
    """A key that occurs twice in the compared object is recorded, also if the object is text."""
    parsed = made("json", "/data").decode(record(value))
    assert (parsed.repeated, parsed.repeated_fields) == (("id",), ("id",))


def test_a_key_repeated_elsewhere_is_recorded_too() -> None:
    """The message is ambiguous, but not about this object's fields."""
    parsed = made("json", "/data").decode(record(b'{"x": 1, "x": 2, "data": {"id": 1}}'))
    assert (parsed.repeated, parsed.repeated_fields) == (("x",), ())


def test_a_pointer_begins_with_a_slash() -> None:
    """The error names the option and the value."""
    with pytest.raises(
        UsageError, match=r"--compare-at must be a JSON pointer, such as /data; got 'data'"
    ):
        made("json", "data")


def test_raw_compares_nothing() -> None:
    """Whatever the bytes are, the event has no fields, and no defect."""
    raw = made("raw")
    assert not raw.compares_content
    for value in (None, b"", b"\x00\xff", b'{"a": 1}'):
        assert raw.decode(record(value))[:2] == ({}, None)


def test_raw_has_no_place_to_compare_at() -> None:
    """An option without effect is refused."""
    with pytest.raises(UsageError, match="raw compares no content"):
        made("raw", "/data")
