"""The refusal of an event names the value and the rule; the place is the scenario's line."""

from datetime import date
from typing import Any

import pytest

from headcount import scenario_location
from headcount.ledger.event_errors import why_not_comparable


@pytest.mark.parametrize(
    ("event", "event_type", "message"),
    [
        ("bad", "POST", "event= must be a mapping of field names to values, got 'bad', of type"),
        ([("a", 1)], "POST", "got [('a', 1)], of type list"),
        ({3: "x"}, "buy", "a field's name must be text, got 3, of type int"),
        ({None: "x", "a": 1}, "buy", "got None, of type NoneType"),
        ({}, 7, "event_type= must be text, got 7, of type int"),
        ({}, b"buy", "event_type= must be text, got b'buy'"),
        ({"when": date(2026, 1, 1)}, "buy", "field 'when' (event type 'buy')"),
    ],
)
def test_a_refusal_names_value_and_rule(event: Any, event_type: Any, message: str) -> None:
    """Any value in place of an event, however large, gives one short line."""
    assert message in why_not_comparable(event, event_type, ValueError("field 'when'"))
    assert len(why_not_comparable("x" * 10_000, "buy", ValueError())) < 300


def test_the_digest_error_is_quoted_without_its_beginning() -> None:
    """The field, the value and the rule are quoted from the digest's error."""
    error = ValueError("field 'score' cannot be compared: nan is not a JSON number")
    reason = why_not_comparable({"score": float("nan")}, "buy", error)
    assert reason == "field 'score': nan is not a JSON number (event type 'buy')"


def test_a_lone_surrogate_is_shown_so_that_it_can_be_written() -> None:
    """The line goes to a terminal, a log and a file."""
    error = UnicodeEncodeError("utf-8", "a\ud800", 1, 2, "surrogates not allowed")
    reason = why_not_comparable({}, "a\ud800", error)
    assert r"'a\ud800'" in reason
    assert reason.encode()


def _inner() -> scenario_location.Place | None:
    return scenario_location.here()


def test_a_place_is_the_users_line() -> None:
    """It is the innermost line of the user's code, with the scenario's outermost function."""
    place = _inner()
    assert place is not None
    assert place.line.startswith("test_event_errors.py:")
    assert scenario_location.of_traceback(None) is None


def test_an_error_in_a_library_is_placed_where_the_scenario_called_it() -> None:
    """Not in the library, which the user cannot fix."""
    try:
        pytest.fail("on purpose")
    except BaseException as error:  # noqa: BLE001 - what pytest raises is no Exception
        place = scenario_location.of_traceback(error.__traceback__)
    assert place is not None
    assert place.line.startswith("test_event_errors.py:")
    assert place.entry == "test_an_error_in_a_library_is_placed_where_the_scenario_called_it"
