"""Id locations: every possible location is accepted as it is written, and no other."""

import pytest

from headcount.errors import UsageError
from headcount.run.id_form import IdForm
from headcount.run.id_location import (
    IdLocation,
    LocationKind,
    check_id_header,
    check_without_id,
    default_header,
    default_location,
    id_names,
    parse_location,
)

FIELDS = ["X-Event-Id", "request_id", "@id", "$id", "order.id", "größe", 'a"b', "a,b", "a b", "1"]
GOOD = [
    *(f"field:{name}" for name in FIELDS),
    *("json:/a", "json:/a/0/b", "json:/a~1b/c~0d", "header:X-Request-Id", "key", "traceparent"),
]
BAD = [
    *("", " ", "key:", "key:x", "field", "json", "header", "x:y", "fields:a", "traceparent:x"),
    *("field:", "field: ", "field:id ", "field:a\nb", "field:a\x00", "field:\ud800"),
    *(f"field:{'x' * 101}", "field:/request_headers/X-Event-Id", "json:a", "json:", "header:"),
]


@pytest.mark.parametrize("text", GOOD)
def test_what_can_be(text: str) -> None:
    """It is accepted unchanged."""
    assert str(parse_location(text)) == text
    assert parse_location(text).phrase


@pytest.mark.parametrize("text", BAD)
def test_what_cannot_be(text: str) -> None:
    """It is refused on one line that names the option, before anything is sent."""
    with pytest.raises(UsageError, match="--id-at") as caught:
        parse_location(text)
    assert "\n" not in str(caught.value)


def test_a_pointer_s_steps() -> None:
    """They are unescaped, `~1` before `~0`, as RFC 6901 says."""
    assert parse_location("json:/a~1b/~01/0").path == ("a/b", "~1", "0")
    assert parse_location("key").path == ()


def test_defaults_follow_the_form_and_the_header() -> None:
    """A trace-id is carried on as a trace; any other id in a field named like the header."""
    assert default_location("Idempotency-Key") == IdLocation(LocationKind.FIELD, "Idempotency-Key")
    assert str(default_location(default_header(IdForm.TRACE))) == "traceparent"


def test_spellings_of_a_header() -> None:
    """Only the header's own name has other spellings; a field that the user named has none."""
    names = ("x_request_id", "HTTP_X_REQUEST_ID", "X-Request-ID", "request_id", "X-Event-Id")
    assert id_names(names, "X-Request-Id", "X-Request-Id") == names[:3]
    assert id_names(names, "Request_Id", "X-Request-Id") == ()
    assert id_names(names, "request_id", "X-Request-Id") == ("request_id",)


@pytest.mark.parametrize("name", ["", "a b", "a:b", "ü", "x" * 101, "a\nb"])
def test_headers_that_cannot_be(name: str) -> None:
    """They are refused, with the option."""
    with pytest.raises(UsageError, match="--id-header"):
        check_id_header(name)
    assert check_id_header("Idempotency-Key") == "Idempotency-Key"


def test_an_event_leaves_its_id_out() -> None:
    """A field that the service fills cannot be asked for; elsewhere the name is free."""
    with pytest.raises(ValueError, match="x-event-id"):
        check_without_id({"x-event-id": 1}, IdLocation())
    check_without_id({"x-event-id": 1}, parse_location("key"))
    check_without_id({"x-event-id": 1}, parse_location("field:id"))
