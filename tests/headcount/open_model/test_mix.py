"""The mix: weights are parsed as written, and errors name the mistake."""

import pytest

from headcount.errors import UsageError
from headcount.open_model.mix import check_names, parse_mix, weighted


def sword() -> None:
    """Stands for a task."""


def guild() -> None:
    """Stands for a task."""


def test_weights_repeat_tasks() -> None:
    """A task is repeated by its weight, and left out if it is not named."""
    assert weighted([sword, guild], parse_mix("sword=3")) == [sword] * 3
    assert weighted([sword, guild], parse_mix(" guild = 2 , sword=1")) == [guild, guild, sword]


@pytest.mark.parametrize(
    "text", ["", "sword", "sword=", "sword=-1", "sword=1.5", "a=1,a=2", "a=0", "a=1,,b=2"]
)
def test_invalid_mix(text: str) -> None:
    """It is refused, and the message names the option."""
    with pytest.raises(UsageError, match="--mix"):
        parse_mix(text)


def test_unknown_task() -> None:
    """The message names the task and the existing ones."""
    with pytest.raises(UsageError, match="'bow'; the tasks are guild, sword"):
        check_names({"bow": 1}, [sword, guild])
