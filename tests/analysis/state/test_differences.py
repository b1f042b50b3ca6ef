"""The state: the result of comparing three accounts, and each number on which they disagree."""

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
    """It is the one that differs from the other two, which agree; two accounts decide nothing."""
    assert StateDifference("o", "gold", expected, implied, stored).stands_alone == alone


def test_kind_and_name() -> None:
    """Each number has a kind, and most have a name."""
    bow = StateDifference("o", "item:bow:draw_weight_lb=40,wood=yew", 1, 1, 0)
    assert (bow.kind, bow.name) == ("item", "bow:draw_weight_lb=40,wood=yew")
    gold = StateDifference("o", "gold", 1, 1, 0)
    assert (gold.kind, gold.name) == ("gold", "")


@pytest.mark.parametrize(
    ("check", "result", "text"),
    [
        (
            StateCheck(),
            StateResult.NOT_CHECKED,
            "not checked: no request declared a change of state",
        ),
        (StateCheck(2, 5, why_not=""), StateResult.EQUAL, "equal (5 values of 2 players)"),
        (StateCheck(2, 5, 1), StateResult.DIFFERENT, "different (1 of 5 values)"),
        (StateCheck(2, 5, why_not="x"), StateResult.NOT_CHECKED, "not checked: x"),
    ],
)
def test_results(check: StateCheck, result: StateResult, text: str) -> None:
    """Equal requires that all three were compared; two are enough for different."""
    assert (check.result, str(check)) == (result, text)
