"""Locust's exit code: how it changes the verdict's, and how it is printed."""

import pytest

from headcount.run.locust_exit import Cause, LocustExit


@pytest.mark.parametrize(
    ("ended", "label_code", "code"),
    [
        (LocustExit(0), 0, 0),
        (LocustExit(0), 3, 3),
        (LocustExit(4, Cause.THRESHOLD), 4, 4),
        (LocustExit(1, Cause.OTHER), 4, 4),  # the label has it already
        (LocustExit(1, Cause.OTHER), 1, 1),
        (LocustExit(5, Cause.ERROR), 0, 5),
        (LocustExit(2, Cause.ERROR), 3, 2),
        (LocustExit(5, Cause.ERROR), 1, 1),  # what is proven stays so
        (LocustExit(-9, Cause.ERROR), 0, 5),
        (LocustExit(None, Cause.ERROR), 0, 5),
        (LocustExit(0, Cause.ERROR), 0, 5),
    ],
)
def test_it_never_makes_an_exit_code_better(ended: LocustExit, label_code: int, code: int) -> None:
    """An error of the run outweighs all but a proven failure; the label covers the rest."""
    assert ended.worse(label_code) == code
    assert code >= label_code or label_code == 3


def test_it_is_formatted_on_one_line() -> None:
    """It includes the reason, if there is one."""
    assert str(LocustExit(0)) == "Locust ended with exit code 0"
    line = str(LocustExit(1, Cause.OTHER, "2 requests failed"))
    assert line == "Locust ended with exit code 1: 2 requests failed"
