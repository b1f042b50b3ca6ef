"""Field differences: each field that differs between request and message is named."""

import json
from typing import Any

import pytest
from headcount_analysis.messages.field_differences import (
    MOST_FIELDS,
    Difference,
    DifferenceKind,
    differences,
)
from headcount_analysis.messages.json_message import ParsedMessage, parse
from hypothesis import given
from hypothesis import strategies as st

from headcount.ledger.event_digest import MAX_ASKED, describe, digests_over

ASKED = {"event_type": "buy", "n": 3, "to": {"city": "Delft", "lines": ["a", {"b": 1.5}]}}
LONG = {**ASKED, "text": "x" * MAX_ASKED}


def descriptions(asked: dict[str, Any], actual: dict[str, Any]) -> list[str]:
    """Return the descriptions of all differences."""
    return [str(difference) for difference in _listed(asked, actual)]


def _listed(asked: dict[str, Any], actual: dict[str, Any]) -> tuple[Difference, ...]:
    described = describe(asked)
    value = json.dumps({"Host": "here", **actual}).encode()
    return differences(described.asked, described.shape, message(value))


def message(value: bytes) -> ParsedMessage:
    """Parse a message's bytes."""
    return parse(value)


CHANGED: list[tuple[dict[str, Any], list[str]]] = [
    (ASKED, []),
    ({**ASKED, "n": 3.0, "more": 1, "to": {**ASKED["to"], "country": "NL"}}, []),  # type: ignore[dict-item]
    ({**ASKED, "n": "3"}, ['n: asked for 3, found "3"']),
    ({"event_type": "buy", "to": ASKED["to"]}, ["n: asked for 3, but missing"]),
    (
        {**ASKED, "to": {"city": None, "lines": ["a", {"b": 2}]}},
        ['/to/city: asked for "Delft", found null', "/to/lines/1/b: asked for 1.5, found 2"],
    ),
    ({**ASKED, "to": []}, ['to: asked for {"city":"Delft","lines":["a",{"b":1.5}]}, found []']),
    (
        {**ASKED, "to": {"city": "Delft", "lines": ["a"]}},
        ['/to/lines: asked for ["a",{"b":1.5}], found ["a"]'],
    ),
]


@pytest.mark.parametrize(("actual", "expected"), CHANGED)
def test_differing_fields_are_named(actual: dict[str, Any], expected: list[str]) -> None:
    """With the requested and actual value, at any depth; fields that a service adds are ignored."""
    assert descriptions(ASKED, actual) == expected


@pytest.mark.parametrize(("actual", "expected"), CHANGED)
def test_the_fields_of_a_long_event_are_named(actual: dict[str, Any], expected: list[str]) -> None:
    """The ledger has only the fields' hashes."""
    names = {text.split(":")[0].split("/")[1 if text[0] == "/" else 0] for text in expected}
    assert {
        description.split(":")[0] for description in descriptions(LONG, {**LONG, **actual})
    } == names - {"n"} | ({"n"} if actual.get("n", 3) != 3 else set())
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
    named = [
        difference.field
        for difference in differences(described.asked, described.shape, message(value))
    ]
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
    fields = differences(described.asked, described.shape, message(json.dumps(actual).encode()))
    assert (fields == ()) is is_same


def test_a_repeated_key_is_named() -> None:
    """Even if the ledger has no requested content."""
    value = b'{"n": 3, "a": {"k": 1, "k": 1}, "n": 3}'
    for asked in (None, describe({"n": 3}).asked):
        names = {difference.field for difference in differences(asked, "n", message(value))}
        assert names == {"k", "n"}


def test_descriptions_are_bounded() -> None:
    """A hostile service does not fill the report; a last entry counts what is not listed."""
    asked = {f"f{number}": number for number in range(MOST_FIELDS + 30)}
    actual = {f"f{number}": "y" * 10_000 for number in range(MOST_FIELDS + 30)}
    named = descriptions(asked, actual)
    assert len(named) == MOST_FIELDS + 1
    assert named[-1] == "30 more fields: not listed"
    assert max(map(len, named)) < 200
    assert differences(None, "a", message(b"no JSON")) == ()


@pytest.mark.parametrize(
    ("actual", "kind"),
    [
        ({"n": "3"}, DifferenceKind.TYPE),
        ({"n": 4.5}, DifferenceKind.VALUE),
        ({"n": True}, DifferenceKind.TYPE),
        ({"n": None}, DifferenceKind.TYPE),
        ({"n": [3]}, DifferenceKind.TYPE),
        ({"n": {"n": 3}}, DifferenceKind.TYPE),
        ({}, DifferenceKind.MISSING),
    ],
)
def test_the_kind_of_each_difference_is_named(actual: dict[str, Any], kind: DifferenceKind) -> None:
    """A missing field, a value of another JSON type, or another value of the same type."""
    assert [(difference.field, difference.kind) for difference in _listed({"n": 3}, actual)] == [
        ("n", kind)
    ]


def test_the_type_of_a_value_that_was_not_kept_is_unknown() -> None:
    """Of a long event only hashes are kept: the found value is shown, the asked one is not."""
    asked = {"n": 3, "gone": 1, "text": "x" * MAX_ASKED}
    actual = {"n": "3", "text": "x" * MAX_ASKED}
    gone, n = _listed(asked, actual)
    assert n == Difference("n", DifferenceKind.UNKNOWN, None, '"3"')
    assert str(n) == 'n: asked for a value that the ledger did not keep, found "3"'
    assert gone == Difference("gone", DifferenceKind.MISSING)


@pytest.mark.parametrize("more", [{}, {"text": "x" * MAX_ASKED}])
def test_secrets_are_masked(more: dict[str, str]) -> None:
    """Fields that look secret are named without a value, at any depth, in short and long events."""
    asked = {"user_Password": "a", "api-key": 1, "to": {"token": "b", "n": 1}, "all": {"n": 1}}
    actual = {
        "user_Password": "hidden",
        "to": {"token": ["hidden"], "n": {"secret": "hidden"}},
        "all": [{"credentials": "hidden"}],
    }
    named = _listed({**asked, **more}, {**actual, **more})
    assert "hidden" not in str(named)
    assert {"user_Password", "api-key"} < {difference.field for difference in named}
    by_field = {difference.field: difference for difference in named}
    assert by_field["user_Password"].actual == "(left out)"
    assert by_field["all"].actual == '[{"credentials":"(left out)"}]'


def test_a_secret_that_was_asked_for_is_masked() -> None:
    """The asked value is no more shown than the found one."""
    named = _listed({"to": {"token": "hidden"}, "pass": "hidden"}, {"to": 1})
    assert "hidden" not in str(named)
    assert {difference.field: difference.asked for difference in named} == {
        "to": '{"token":"(left out)"}',
        "pass": "(left out)",
    }
