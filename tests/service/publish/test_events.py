"""Events: their own fields, the headers beside them, and their encoding."""

import json
from typing import Any

import pytest
from headcount_service.errors import RequestError
from headcount_service.publish.events import (
    CREDENTIALS,
    HeaderLimits,
    build_event,
    encode_event,
    own_fields,
)
from hypothesis import given
from hypothesis import strategies as st

LIMITS = HeaderLimits(count=50, size_bytes=10_000)
LATIN_1 = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF), max_size=20)
NAMES = st.text("abcXYZ-_09", min_size=1, max_size=12)


def respelt(name: str) -> st.SearchStrategy[str]:
    """The same header name, in any case and with either hyphens or underscores."""
    letters = [
        st.sampled_from("-_" if letter in "-_" else [letter.lower(), letter.upper()])
        for letter in name
    ]
    return st.tuples(*letters).map("".join)


WITHHELD = st.sampled_from(sorted(own_fields() | CREDENTIALS)).flatmap(respelt)
OWN = st.fixed_dictionaries(
    {}, optional={"metal": st.just("iron"), "quantity": st.integers(1, 100), "guild": st.just("G")}
)


@given(OWN, st.dictionaries(st.one_of(WITHHELD, NAMES), LATIN_1, max_size=8))
def test_no_header_can_be_mistaken_for_an_own_field(
    own: dict[str, Any], headers: dict[str, str]
) -> None:
    """Whatever the headers, the event's own fields have the request's values, in any spelling."""
    event = build_event("purchase_sword", own, headers.items(), LIMITS)
    seen = {k: v for k, v in event.items() if k.lower().replace("-", "_") in own_fields()}
    assert seen == {"event_type": "purchase_sword", **own}


@given(st.lists(st.tuples(WITHHELD, st.just("s3cret")), max_size=8))
def test_no_credential_reaches_the_topic(headers: list[tuple[str, str]]) -> None:
    """However a withheld header is spelt, its value is not in the event."""
    assert b"s3cret" not in encode_event(build_event("default", {}, headers, LIMITS))


@given(st.dictionaries(NAMES, LATIN_1, max_size=8))
def test_every_other_header_stands_beside_the_fields(headers: dict[str, str]) -> None:
    """A header that is not withheld is published under its own name, with its own value."""
    event = build_event("default", {}, headers.items(), LIMITS)
    withheld = own_fields() | CREDENTIALS
    for name, value in headers.items():
        if name.lower().replace("-", "_") not in withheld:
            assert event[name] == value


@given(st.dictionaries(NAMES, LATIN_1, max_size=8))
def test_an_encoded_event_is_strict_json(headers: dict[str, str]) -> None:
    """The encoded event decodes to the same value, from strict UTF-8 and without a NaN."""
    event = build_event("default", {}, headers.items(), LIMITS)

    def refuse(constant: str) -> None:
        pytest.fail(f"{constant} is not JSON")

    assert json.loads(encode_event(event).decode("utf-8"), parse_constant=refuse) == event


def test_an_encoded_event_is_compact() -> None:
    """There are no spaces between the members."""
    assert encode_event({"event_type": "default", "Näme": 1}) == (
        '{"event_type":"default","Näme":1}'.encode()
    )


def test_a_lone_surrogate_is_never_written() -> None:
    """A character that UTF-8 cannot encode is an error; it is not replaced."""
    with pytest.raises(ValueError, match="surrogates"):
        encode_event({"event_type": "\ud800"})


def test_the_number_of_headers_is_bounded() -> None:
    """The limit itself is allowed, one more is a 431."""
    limits = HeaderLimits(count=3, size_bytes=1000)
    headers = [("a", ""), ("b", ""), ("c", "")]
    build_event("default", {}, headers, limits)
    with pytest.raises(RequestError) as raised:
        build_event("default", {}, [*headers, ("d", "")], limits)
    assert raised.value.status == 431


def test_the_size_of_headers_is_bounded() -> None:
    """Names and values count, those of withheld headers included."""
    limits = HeaderLimits(count=3, size_bytes=10)
    build_event("default", {}, [("Cookie", "x"), ("a", "bc")], limits)
    with pytest.raises(RequestError) as raised:
        build_event("default", {}, [("Cookie", "xx"), ("a", "bc")], limits)
    assert raised.value.status == 431
