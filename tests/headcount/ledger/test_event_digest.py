"""Digests: the canonical form is as documented, and values without one are refused."""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headcount.ledger.canonical_json import MAX_DEPTH
from headcount.ledger.event_digest import canonical, describe, digest, digests_over, names_of, shape

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
    """A literal event has the literal form: sorted, no spaces, uppercase escapes, no zeros."""
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
def test_types_are_distinguished(left: object, right: object) -> None:
    """Values that look or compare alike but differ in JSON have different digests."""
    assert digest({"a": left}) != digest({"a": right})


def is_same(asked: object, published: object) -> bool:
    """Compare a value of `event=` with one that was parsed from a message."""
    described = describe({"a": asked})
    return digests_over({"a": published}, [described.shape]) == [described.digest]


def test_a_number_is_its_value() -> None:
    """2 and 2.0 are one JSON number."""
    assert is_same(2, Decimal("2.0"))
    assert is_same(2.0, 2)


NO_JSON: list[object] = [
    *(float("nan"), float("-inf"), Decimal("NaN"), "\ud800", {1}, b"x", {1: 2}, {"\ud800": 1}),
    *(datetime(2026, 1, 1, tzinfo=UTC), object(), {None: 1}, {1: 1, "a": 2}),
]


@pytest.mark.parametrize("value", NO_JSON)
def test_what_has_no_form_is_refused(value: object) -> None:
    """The error names the place of what JSON cannot represent, at the top level and below."""
    with pytest.raises(ValueError, match="field 'size' cannot be compared: "):
        digest({"size": value})
    with pytest.raises(ValueError, match="field '/a/1/b~1c' cannot be compared: "):
        digest({"z": 1, "a": [0, {"b/c": value}]})


@pytest.mark.parametrize("event", ["text", None, 7, ["a"], [("a", 1)], {1: 2}, {"\ud800": 1}])
def test_a_value_that_is_not_an_event_is_refused(event: Any) -> None:
    """Anything other than a mapping from text is refused with a ValueError, too."""
    for describe_it in (shape, digest, canonical, describe):
        with pytest.raises(ValueError, match=r"must be a mapping|is not text|surrogate"):
            describe_it(event)


def test_what_is_too_deep_is_refused() -> None:
    """So is an event that contains itself."""
    loop: dict[str, object] = {}
    loop["again"] = [loop]
    for event in (loop, _nested(MAX_DEPTH + 1)):
        with pytest.raises(ValueError, match="deep"):
            digest(event)
    assert digest(_nested(MAX_DEPTH)) == digest(_nested(MAX_DEPTH))


def _nested(depth: int) -> dict[str, object]:
    event: dict[str, object] = {}
    for _ in range(depth):
        event = {"a": event}
    return event


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_number_can_be_compared(number: float) -> None:
    """In every spelling: as in Python, with an exponent, or without one."""
    exact = Decimal(repr(number))
    for written in (number, exact, Decimal(f"{exact:e}"), Decimal(f"{exact:f}")):
        assert canonical({"a": written}) == canonical({"a": number})
    assert float(canonical({"a": number})[4:-1]) == number


NUMBERS: list[tuple[object, object, bool]] = [
    (1e16, 10**16, True),
    (1e40, 10**40, True),
    (10**40, 10**40 + 1, False),
    (10**5000, Decimal("1e5000"), True),
    (10**5000 + 1, 10**5000, False),
    (2**53, 2**53 + 1, False),
    (12, 12.0, True),
    (Decimal("1.2e1"), 12.0, True),
    (1e-320, 0, False),
    (Decimal("1e-999999"), Decimal("10e-1000000"), True),
    (Decimal("0e-999999"), -0.0, True),
]


def test_numbers_are_compared_by_value() -> None:
    """Exactly, at any size."""
    for number, (left, right, same) in enumerate(NUMBERS):
        assert is_same(left, right) is is_same(right, left) is same, number


DOUBLES = st.floats(allow_nan=False, allow_infinity=False)


@given(DOUBLES, st.integers(17, 40))
def test_a_float_is_every_text_of_its_double(number: float, digits: int) -> None:
    """With any number of digits that suffices, up to all that it has; at every level."""
    for written in (f"{number:.{digits}g}", f"{number:.{digits}e}", format(Decimal(number), "f")):
        assert is_same(number, Decimal(written)), written
        assert is_same([{"b": number}, number, 1], [{"b": Decimal(written), "c": 0}, number, 1])


@given(DOUBLES)
def test_a_float_is_no_other_double(number: float) -> None:
    """Not even the next one."""
    for other in (math.nextafter(number, math.inf), math.nextafter(number, -math.inf)):
        if math.isfinite(other):
            assert not is_same(number, Decimal(other))
            assert not is_same([number], [Decimal(repr(other))])


@given(st.integers() | st.decimals(allow_nan=False, allow_infinity=False), st.integers(1, 9))
def test_integers_and_decimals_stay_exact(number: int | Decimal, more: int) -> None:
    """However small a change is, even if both texts denote the same double."""
    sign, digits, exponent = Decimal(number).as_tuple()
    changed = Decimal((sign, (*digits, *[0] * 30, more), int(exponent) - 31))
    assert not is_same(number, changed)
    assert is_same(number, Decimal(number))


OTHERS: list[tuple[object, object]] = [
    (2**53, 2**53 + 1),
    (Decimal("0.4318200495507135"), Decimal("0.43182004955071351")),
    (1.0, True),
    (1.0, "1"),
    (1.0, None),
    (0.5, [Decimal("0.5")]),
    (1e308, Decimal("1e309")),
    (1e308, 10**309),
]


def test_what_a_float_is_not() -> None:
    """A value of another type, or a number beyond all doubles; an exact number stays exact."""
    for asked, published in OTHERS:
        assert not is_same(asked, published), (asked, published)


def test_a_double_elsewhere_does_not_blur_an_exact_number() -> None:
    """A message is compared over all shapes, and one of them has a double in its place."""
    shapes = [shape({"a": 1.5}), shape({"a": 1})]
    assert len(set(shapes)) == 2
    assert digest({"a": 2**53}) not in digests_over({"a": 2**53 + 1}, shapes)
    assert digest({"a": 2**53}) in digests_over({"a": 2**53}, shapes)
    assert digest({"a": 2.0**53}) in digests_over({"a": 2**53 + 1}, shapes)


def test_a_huge_exponent_costs_nothing() -> None:
    """It is not expanded into zeros."""
    assert canonical({"a": Decimal("1e999999999")}) == '"a":1e999999999,'


STRANGE_NAMES = [
    *("@timestamp", "$type", "order.id", "größe", "", "a,b", 'a"b', "a b", "1a", "{", "\n", "😀"),
    "a" * 101,
]


@pytest.mark.parametrize("name", STRANGE_NAMES)
def test_every_name_can_be_a_field(name: str) -> None:
    """At the top level and below, and the shape names it."""
    event = {name: 1, "b": {name: {name: 2}}}
    assert names_of(shape({name: 1})) == (name,)
    assert digests_over({**event, "more": 3}, [shape(event)]) == [digest(event)]
    assert json.loads("{" + canonical(event)[:-1] + "}") == event


GROWN: list[tuple[dict[str, object], dict[str, object], bool]] = [
    ({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}, True),
    ({"a": {"b": {"c": [1]}}}, {"a": {"x": 0, "b": {"c": [1], "d": None}}}, True),
    ({"a": {}}, {"a": {"b": 1}}, True),
    ({"a": {}}, {"a": []}, False),
    ({"a": {}}, {"a": None}, False),
    ({"a": [{"b": 1}, {"b": 2}]}, {"a": [{"b": 1, "c": 1}, {"b": 2}]}, True),
    ({"a": [{"b": 1}, {"c": 2}, 3]}, {"a": [{"b": 1, "c": 1}, {"b": 2, "c": 2}, 3]}, True),
    ({"a": [[{"b": 1}], []]}, {"a": [[{"b": 1, "c": 1}], []]}, True),
    ({"a": [{"b": 1}]}, {"a": [{"b": 1}, {"b": 1}]}, False),
    ({"a": [{"b": 1}, {"b": 2}]}, {"a": [{"b": 2}, {"b": 1}]}, False),
    ({"a": [{"b": 1}]}, {"a": {"0": {"b": 1}}}, False),
    ({"a": {"b": 1}}, {"a": {"c": 1}}, False),
    ({"a": {"b": 1}}, {"a": {"b": 2, "c": 1}}, False),
    ({"a": [1, 2]}, {"a": [1, 2, 3]}, False),
    ({"ä": {"ö": "ü"}}, {"ä": {"ö": "ü", "ß": 1}, "x": 0}, True),
]


@pytest.mark.parametrize(("asked", "published", "same"), GROWN)
def test_a_service_may_add_fields_at_every_level(
    asked: dict[str, object],
    published: dict[str, object],
    same: bool,
) -> None:
    """Requested fields are compared to any depth; added fields are not."""
    assert (digests_over({**published, "Host": "here"}, [shape(asked)]) == [digest(asked)]) is same


def test_a_shape_of_an_earlier_ledger_compares_values_whole() -> None:
    """A shape of names alone covers everything nested in those fields."""
    asked = {"a": {"b": 1}, "c": 2}
    assert digests_over(asked, ["a,c"]) == [digest(asked)]
    assert digests_over({"a": {"b": 1, "x": 1}, "c": 2}, ["a,c"]) != [digest(asked)]
