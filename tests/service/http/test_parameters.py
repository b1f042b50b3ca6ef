"""Parameters: which are accepted and which rejected; an error names every fault."""

from typing import Any

import pytest
from headcount_service.catalogue import load_catalogue
from headcount_service.errors import InvalidParameter, RequestError
from headcount_service.http.parameters import (
    GuildParameters,
    NoParameters,
    Parameters,
    RequestParameter,
    check_parameters,
    parse_json_object,
    sword_parameters,
)
from hypothesis import given
from hypothesis import strategies as st

SwordParameters = sword_parameters(load_catalogue())


def refused(model: type[Parameters], *pairs: tuple[str, Any]) -> tuple[InvalidParameter, ...]:
    """Return the faults of a request that must be rejected."""
    with pytest.raises(RequestError) as raised:
        check_parameters(model, (RequestParameter(*pair) for pair in pairs))
    assert raised.value.status == 400
    return raised.value.faults


def test_no_parameters_result_in_no_values() -> None:
    """No default value reaches an event."""
    assert check_parameters(SwordParameters, ()) == {}


@pytest.mark.parametrize("quantity", ["7", 7])
def test_a_quantity_is_a_number_in_the_event(quantity: str | int) -> None:
    """From a query string or from JSON, the event holds an int."""
    assert check_parameters(SwordParameters, [RequestParameter("quantity", quantity)]) == {
        "quantity": 7
    }


@pytest.mark.parametrize(
    "quantity", ["0", "101", "-1", "1.0", " 1", "1_0", "+1", "", "one", "٣", "1" * 5000]
)
def test_a_bad_quantity_is_refused(quantity: str) -> None:
    """Only a plain whole number from 1 to 100 is valid, whatever else Python converts to an int."""
    (fault,) = refused(SwordParameters, ("quantity", quantity))
    assert (fault.name, fault.rule) == ("quantity", "must be a whole number from 1 to 100")
    assert fault.value[:100] == quantity[:100]


@pytest.mark.parametrize("quantity", [True, 1.0, None, [1], 10**400, float("inf")])
def test_a_json_value_of_another_type_is_refused(quantity: object) -> None:
    """JSON's true is not 1."""
    (fault,) = refused(SwordParameters, ("quantity", quantity))
    assert fault.name == "quantity"


@pytest.mark.parametrize(
    ("model", "name", "value"),
    [
        (SwordParameters, "metal", "tin"),
        (SwordParameters, "metal", "Iron"),
        (SwordParameters, "metal", None),
        (SwordParameters, "player_id", ""),
        (SwordParameters, "player_id", "x" * 65),
        (SwordParameters, "player_id", "a b"),
        (SwordParameters, "player_id", "a\n"),
        (SwordParameters, "player_id", "\ud800"),
        (GuildParameters, "player_id", "ü"),
        (GuildParameters, "guild", ""),
        (GuildParameters, "guild", " Night"),
        (GuildParameters, "guild", "Night\n"),
        (GuildParameters, "guild", "G" * 65),
        (GuildParameters, "guild", 5),
    ],
)
def test_a_bad_value_is_named_with_its_rule(
    model: type[Parameters], name: str, value: object
) -> None:
    """The fault names the parameter and states its rule."""
    (fault,) = refused(model, (name, value))
    assert fault.name == name
    assert fault.rule == f"must be {model.model_fields[name].description}"
    fault.value.encode("utf-8")


@given(st.text("abcXYZ019._:-", min_size=1, max_size=64))
def test_a_player_id_is_unchanged(player_id: str) -> None:
    """An accepted value is not altered."""
    assert check_parameters(GuildParameters, [RequestParameter("player_id", player_id)]) == {
        "player_id": player_id
    }


def test_the_error_for_an_unknown_parameter_lists_the_known_ones() -> None:
    """For a misspelling, the fault lists the names that the route takes."""
    (fault,) = refused(SwordParameters, ("metall", "iron"))
    assert fault == InvalidParameter(
        "metall", "iron", "is unknown; this route takes metal, player_id, quantity"
    )


def test_a_route_without_parameters_says_so() -> None:
    """`/` takes no parameters."""
    (fault,) = refused(NoParameters, ("x", "1"))
    assert fault.rule == "is unknown; this route takes no parameters"


def test_a_repeated_parameter_is_one_fault() -> None:
    """Even two equal values are ambiguous; they are one fault, not two."""
    assert refused(SwordParameters, ("metal", "iron"), ("metal", "tin")) == (
        InvalidParameter("metal", "iron, tin", "must be given once, not 2 times"),
    )
    assert len(refused(SwordParameters, ("metal", "iron"), ("metal", "iron"))) == 1


def test_every_fault_is_reported() -> None:
    """One response is enough to correct a request."""
    faults = refused(SwordParameters, ("metal", "tin"), ("quantity", "0"), ("x", "y"))
    assert {fault.name for fault in faults} == {"metal", "quantity", "x"}


def test_a_shown_value_is_short() -> None:
    """A megabyte of garbage is not sent back."""
    (fault,) = refused(SwordParameters, ("metal", "x" * 10_000))
    assert len(fault.value) <= 101


def test_json_keeps_a_repeated_name() -> None:
    """A dict would hide the first value."""
    assert parse_json_object(b'{"a": 1, "a": 2}') == (
        RequestParameter("a", 1),
        RequestParameter("a", 2),
    )


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b"1", b"null", b'"x"', b'{"a": NaN}', b"\xff", b"[" * 60_000, b"1" * 5_000],
)
def test_a_body_other_than_a_json_object_is_refused(body: bytes) -> None:
    """Malformed JSON, hostile JSON and other JSON values are all a 400."""
    with pytest.raises(RequestError) as raised:
        parse_json_object(body)
    assert raised.value.status == 400
