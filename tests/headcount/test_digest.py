"""Digests: the canonical form is what the module says, and refuses what has none."""

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headcount.digest import canonical, digest, shape

_NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,8}", fullmatch=True)
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_VALUES = st.one_of(st.none(), st.booleans(), st.integers(-(10**37), 10**37), _TEXT)


@given(st.dictionaries(_NAMES, _VALUES, min_size=1, max_size=6))
def test_the_canonical_form_is_json(event: Mapping[str, object]) -> None:
    """Between braces, without the last comma, it reads back as the event."""
    assert json.loads("{" + canonical(event)[:-1] + "}") == event


@given(st.dictionaries(_NAMES, _VALUES, min_size=2, max_size=6))
def test_order_does_not_matter(event: Mapping[str, object]) -> None:
    """Two events with the same fields in another order have one digest and one shape."""
    turned = dict(reversed(list(event.items())))
    assert (digest(turned), shape(turned)) == (digest(event), shape(event))


def test_the_form_is_written_down() -> None:
    """A literal event has the literal form: sorted, no spaces, capitals in escapes, no zeros."""
    event = {"b": 2.50, "a": 'é"\x1f\n', "c": True, "d": {"z": [1, "1"], "y": None}, "e": -0.0}
    assert canonical(event) == (
        '"a":"é\\"\\u001F\\n","b":2.5,"c":true,"d":{"y":null,"z":[1,"1"]},"e":0,'
    )


def test_xxh64_with_seed_42() -> None:
    """The digest of a known form is the published algorithm's, as a signed number."""
    assert digest({"a": 1}) == -4378085319689587842


@pytest.mark.parametrize(
    ("left", "right"), [(1, "1"), (1, True), (0, False), (None, "null"), ("", None), (1, 1.5)]
)
def test_types_are_told_apart(left: object, right: object) -> None:
    """Values that look or compare alike, and are other JSON, have other digests."""
    assert digest({"a": left}) != digest({"a": right})


def test_a_number_is_its_value() -> None:
    """2 and 2.0 are one JSON number."""
    assert digest({"a": 2}) == digest({"a": 2.0})


@pytest.mark.parametrize(
    "value",
    [1e300, 1e-7, float("nan"), float("inf"), 10**40, "\ud800", {1}, b"x", {"é": 1}, {1: 2}],
)
def test_what_has_no_form_is_refused(value: object) -> None:
    """A value that two languages would write differently is refused, by the field's name."""
    with pytest.raises(ValueError, match="'size'"):
        digest({"size": value})


@pytest.mark.parametrize("name", ["", "a b", "1a", 'a"', "a,b", "é", "a" * 101])
def test_a_strange_name_is_refused(name: str) -> None:
    """A name that could be mistaken in a path or a list is refused."""
    with pytest.raises(ValueError, match="cannot be compared"):
        shape({name: 1})
