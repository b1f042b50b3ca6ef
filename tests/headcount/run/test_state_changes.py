"""Changes: what can be recorded, and what is refused when it is requested."""

import pytest

from headcount.run.state_changes import LARGEST, Changes, check

PREFIX = "run-1.0."


def test_what_can_be_accounted_for() -> None:
    """Whole numbers, up and down, and nothing at all."""
    check(Changes("run-1.0.o1", {"gold": -20, "item:bow": LARGEST, "cart:bow": -LARGEST}), PREFIX)
    check(Changes("run-1.0.o1", {}), PREFIX)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        (Changes("ada", {}), r"the owner 'ada' must begin with 'run-1\.0\.'"),
        (Changes("run-1.1.o1", {}), "must begin with"),
        (Changes("run-1.0.o1", {"gold": 0.5}), "'gold' must change by a whole number.* got 0.5"),  # type: ignore[dict-item]
        (Changes("run-1.0.o1", {"gold": True}), "got True"),
        (Changes("run-1.0.o1", {"gold": LARGEST + 1}), "up to 2"),
        (Changes("run-1.0.o1", {"": 1}), "a thing's name must have 1 to 1000 characters"),
        (Changes("run-1.0.o1", {"x" * 1001: 1}), "a thing's name"),
        (Changes("run-1.0.o1", {4: 1}), "a thing's name"),  # type: ignore[dict-item]
        (Changes("run-1.0.o1", {"half a pair \ud83d": 1}), "surrogates not allowed"),
        (Changes("run-1.0.o\ud83d", {}), "surrogates not allowed"),
    ],
)
def test_what_cannot(changes: Changes, complaint: str) -> None:
    """A foreign owner, a fraction, or a name that is empty or cannot be encoded."""
    with pytest.raises(ValueError, match=complaint):
        check(changes, PREFIX)
