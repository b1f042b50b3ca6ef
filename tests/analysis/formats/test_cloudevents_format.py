"""CloudEvents: both modes become the same decoded message, and its data is compared."""

import pytest

from tests.analysis.formats.records import made, record

STRUCTURED = ("content-type", b"application/cloudevents+json; charset=UTF-8")
BINARY = (
    ("ce_specversion", b"1.0"),
    ("ce_id", b"r.0.1"),
    ("ce_source", b"/shop"),
    ("ce_type", b"sold"),
    ("content-type", b"application/json"),
)
ATTRIBUTES = b'"specversion": "1.0", "id": "r.0.1", "source": "/shop", "type": "sold"'


def whole(more: bytes) -> bytes:
    """Write an event in structured mode."""
    return b"{" + ATTRIBUTES + more + b"}"


@pytest.mark.parametrize(
    "headers",
    [
        (STRUCTURED,),
        (),
        (("content-type", b"application/json"),),
        (*BINARY[:4], STRUCTURED),
    ],
)
def test_structured_mode_is_recognised_by_header_or_content(
    headers: tuple[tuple[str, bytes], ...],
) -> None:
    """A service may leave the content type out; the data is compared, and the type is known."""
    parsed = made("cloudevents").decode(record(whole(b', "data": {"quantity": 3}'), *headers))
    assert (parsed.event, parsed.event_type, parsed.defect) == ({"quantity": 3}, "sold", None)
    assert parsed.root is not None
    assert parsed.root["id"] == "r.0.1"


def test_both_modes_have_the_same_root() -> None:
    """An id in an attribute is at the same pointer in both modes."""
    structured = made("cloudevents").decode(
        record(whole(b', "datacontenttype": "application/json", "data": {"q": 3}'), STRUCTURED)
    )
    binary = made("cloudevents").decode(record(b'{"q": 3}', *BINARY))
    assert structured == binary


def test_headers_of_other_cases_are_read_too() -> None:
    """Clients write `Ce_id` or `Content-Type` as well."""
    headers = [(name.title(), value) for name, value in BINARY]
    assert made("cloudevents").decode(record(b'{"q": 3}', *headers)).event == {"q": 3}


@pytest.mark.parametrize(
    "more",
    [b', "data": "{\\"q\\": 3}"', b', "data_base64": "eyJxIjogM30="'],
)
def test_data_may_be_escaped_or_in_base64(more: bytes) -> None:
    """Data that is JSON is compared, however it is packed."""
    assert made("cloudevents").decode(record(whole(more))).event == {"q": 3}


@pytest.mark.parametrize(
    ("value", "headers"),
    [(whole(b""), ()), (whole(b', "data": null'), ()), (None, BINARY), (b"", BINARY)],
)
def test_an_event_without_data_has_no_fields(
    value: bytes | None, headers: tuple[tuple[str, bytes], ...]
) -> None:
    """It is a CloudEvent: what was asked for is missing in it, but it can be read."""
    parsed = made("cloudevents").decode(record(value, *headers))
    assert (parsed.event, parsed.defect, parsed.event_type) == ({}, None, "sold")


@pytest.mark.parametrize(
    ("value", "headers", "defect"),
    [
        (b'{"quantity": 3}', (), "not a CloudEvent: specversion is missing"),
        (b'{"specversion": "1.0", "id": "1"}', (), "not a CloudEvent: source is missing"),
        (b"{}", BINARY[:3], "not a CloudEvent: type is missing"),
        (b"\x01", BINARY, "not JSON"),
        (b"\x01", (STRUCTURED,), "not JSON"),
        (whole(b', "data_base64": "AAEC"'), (), "nothing at /data"),
        (whole(b', "data_base64": "?"'), (), "nothing at /data"),
        (whole(b', "data": [1]'), (), "no object at /data"),
        (None, (), "tombstone (no value)"),
    ],
)
def test_what_is_no_event_or_has_no_object_has_a_defect(
    value: bytes | None, headers: tuple[tuple[str, bytes], ...], defect: str
) -> None:
    """The required attributes are those of the specification."""
    parsed = made("cloudevents").decode(record(value, *headers))
    assert (parsed.event, parsed.defect) == (None, defect)


def test_an_attribute_that_occurs_twice_is_ambiguous() -> None:
    """Two values that differ are recorded; a value that is only repeated, or extra, is not."""
    more = (("ce_type", b"other"), ("ce_type", b"sold"), ("ce_time", b"now"))
    twice, same, extra = (
        made("cloudevents").decode(record(b"{}", *BINARY, ("ce_time", b"then"), header)).repeated
        for header in more
    )
    assert (twice, same, extra) == (("type",), (), ())


def test_a_repeated_key_of_the_data_is_recorded_in_both_modes() -> None:
    """The data is ambiguous, and never matches."""
    binary = made("cloudevents").decode(record(b'{"q": 1, "q": 2}', *BINARY))
    structured = made("cloudevents").decode(record(whole(b', "data": {"q": 1, "q": 2}')))
    assert binary.repeated == structured.repeated == ("q",)


def test_another_place_can_be_compared() -> None:
    """`--compare-at` looks into the whole event."""
    parsed = made("cloudevents", "/data/order").decode(
        record(b'{"order": {"q": 3}, "x": 1}', *BINARY)
    )
    assert parsed.event == {"q": 3}
