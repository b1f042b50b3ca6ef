"""Field differences: each field that differs between request and message is named."""

import json
from typing import Any

import pytest
from headcount_analysis.messages.field_differences import (
    MOST_FIELDS,
    Difference,
    Differences,
    EventDifferences,
    differences,
)
from hypothesis import given
from hypothesis import strategies as st

from headcount.ledger.digest import MAX_ASKED, describe, digests_over

ASKED = {"event_type": "buy", "n": 3, "to": {"city": "Delft", "lines": ["a", {"b": 1.5}]}}
LONG = {**ASKED, "text": "x" * MAX_ASKED}


def descriptions(asked: dict[str, Any], actual: dict[str, Any]) -> list[str]:
    """Return the descriptions of all differences."""
    described = describe(asked)
    return [str(each) for each in differences(described.asked, described.shape, _text(actual))]


def _text(event: dict[str, Any]) -> bytes:
    return json.dumps({"Host": "here", **event}).encode()


CHANGED: list[tuple[dict[str, Any], list[str]]] = [
    (ASKED, []),
    ({**ASKED, "n": 3.0, "more": 1, "to": {**ASKED["to"], "country": "NL"}}, []),  # type: ignore[dict-item]
    ({**ASKED, "n": "3"}, ['n: requested 3, found "3"']),
    ({"event_type": "buy", "to": ASKED["to"]}, ["n: requested 3, but it is missing"]),
    (
        {**ASKED, "to": {"city": None, "lines": ["a", {"b": 2}]}},
        ['/to/city: requested "Delft", found null', "/to/lines/1/b: requested 1.5, found 2"],
    ),
    ({**ASKED, "to": []}, ['to: requested {"city":"Delft","lines":["a",{"b":1.5}]}, found []']),
    (
        {**ASKED, "to": {"city": "Delft", "lines": ["a"]}},
        ['/to/lines: requested ["a",{"b":1.5}], found ["a"]'],
    ),
]


@pytest.mark.parametrize(("actual", "expected"), CHANGED)
def test_differing_fields_are_named(actual: dict[str, Any], expected: list[str]) -> None:
    """With the requested and actual value, at any depth; fields that a service adds are ignored."""
    assert descriptions(ASKED, actual) == expected


@pytest.mark.parametrize(("actual", "expected"), CHANGED)
def test_the_fields_of_a_long_event_are_named(actual: dict[str, Any], expected: list[str]) -> None:
    """The ledger has only the fields' hashes."""
    names = {each.split(":")[0].split("/")[1 if each[0] == "/" else 0] for each in expected}
    assert {each.split(":")[0] for each in descriptions(LONG, {**LONG, **actual})} == names - {
        "n"
    } | ({"n"} if actual.get("n", 3) != 3 else set())
    assert len(describe(LONG).asked) < MAX_ASKED


@pytest.mark.parametrize("more", [{}, {"text": "x" * MAX_ASKED}])
def test_a_float_in_another_spelling_is_no_difference(more: dict[str, str]) -> None:
    """Neither in a short event nor in a long one, beside a field that does differ."""
    asked = {"f": 0.4318200495507135, "in": [{"f": 0.1}, {"f": 2.0}], "n": 2**53, **more}
    described = describe(asked)
    value = (
        b'{"f": 0.43182004955071351, "in": [{"f": 0.10000000000000001}, {"f": 2}], '
        b'"n": 9007199254740993, "text": "%b"}' % more.get("text", "").encode()
    )
    named = [each.field for each in differences(described.asked, described.shape, value)]
    assert named == ["n"]


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)
EVENTS = st.dictionaries(st.sampled_from(["a", "größe", "c.d"]), VALUES, max_size=3)


@given(asked=EVENTS, actual=EVENTS)
def test_a_field_is_named_if_the_digest_differs(
    asked: dict[str, Any], actual: dict[str, Any]
) -> None:
    """And only then: digest and explanation agree."""
    described = describe(asked)
    is_same = digests_over(actual, [described.shape]) == [described.digest]
    text = json.dumps(actual).encode()
    assert (differences(described.asked, described.shape, text) == ()) is is_same


def test_a_repeated_key_is_named() -> None:
    """Even if the ledger has no requested content."""
    value = b'{"n": 3, "a": {"k": 1, "k": 1}, "n": 3}'
    for asked in (None, describe({"n": 3}).asked):
        names = {each.field for each in differences(asked, "n", value)}
        assert names == {"k", "n"}


def test_descriptions_are_bounded() -> None:
    """A hostile service does not fill the report."""
    asked = {f"f{number}": number for number in range(30)}
    actual = {f"f{number}": "y" * 10_000 for number in range(30)}
    named = descriptions(asked, actual)
    assert len(named) == MOST_FIELDS
    assert max(map(len, named)) < 200
    assert differences(None, "a", b"no JSON") == ()


def test_notes_count_by_field() -> None:
    """The most frequent first, with a sample."""
    n, city = Difference("n", 'requested 3, found "3"'), Difference("/to/city", "it is missing")
    result = Differences(
        {"a": EventDifferences(0, 7, (n,)), "b": EventDifferences(1, 9, (n, city))}, 2
    )
    first, second = result.notes
    assert first.startswith("n differs in 2 of the 2 corrupted events")
    assert 'requested 3, found "3", in partition 0, offset 7' in first
    assert second.startswith("/to/city differs in 1 of the 2")
