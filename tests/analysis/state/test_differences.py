"""The state: what is said of three accounts, and of each number on which they do not agree."""

import pytest
from headcount_analysis.state.differences import StateCheck, StateDifference, StateResult


@pytest.mark.parametrize(
    ("expected", "implied", "stored", "alone"),
    [
        (1, 1, 0, "stored"),
        (1, 0, 1, "implied"),
        (0, 1, 1, "expected"),
        (0, 1, 2, ""),
        (None, 1, 2, ""),
        (1, 2, None, ""),
    ],
)
def test_which_account_stands_alone(
    expected: int | None, implied: int, stored: int | None, alone: str
) -> None:
    """The one that differs from two that agree; of two nobody can tell."""
    assert StateDifference("o", "gold", expected, implied, stored).stands_alone == alone


def test_what_a_number_is_of() -> None:
    """A kind and, of most, a name."""
    bow = StateDifference("o", "item:bow:draw_weight_lb=40,wood=yew", 1, 1, 0)
    assert (bow.kind, bow.name) == ("item", "bow:draw_weight_lb=40,wood=yew")
    gold = StateDifference("o", "gold", 1, 1, 0)
    assert (gold.kind, gold.name) == ("gold", "")


@pytest.mark.parametrize(
    ("check", "result", "told"),
    [
        (StateCheck(), StateResult.NOT_CHECKED, "not checked: no request said what it changes"),
        (StateCheck(2, 5, why_not=""), StateResult.EQUAL, "equal (5 numbers of 2 players)"),
        (StateCheck(2, 5, 1), StateResult.DIFFERENT, "different (1 of 5 numbers)"),
        (StateCheck(2, 5, why_not="x"), StateResult.NOT_CHECKED, "not checked: x"),
    ],
)
def test_what_is_said(check: StateCheck, result: StateResult, told: str) -> None:
    """Equal only where all three were compared; different already where two are."""
    assert (check.result, str(check)) == (result, told)
