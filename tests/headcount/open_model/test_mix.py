"""The mix: weights are read as written, and mistakes are named."""

import pytest

from headcount.errors import UsageError
from headcount.open_model.mix import check_names, parse_mix, weighted


def sword() -> None:
    """Stand for a task."""


def guild() -> None:
    """Stand for a task."""


def test_weights_repeat_tasks() -> None:
    """A task is there as often as its weight, and not at all when it is not named."""
    assert weighted([sword, guild], parse_mix("sword=3")) == [sword] * 3
    assert weighted([sword, guild], parse_mix(" guild = 2 , sword=1")) == [guild, guild, sword]


@pytest.mark.parametrize(
    "text", ["", "sword", "sword=", "sword=-1", "sword=1.5", "a=1,a=2", "a=0", "a=1,,b=2"]
)
def test_a_mistake_is_told(text: str) -> None:
    """What is no mix is refused, and the message names the option."""
    with pytest.raises(UsageError, match="--mix"):
        parse_mix(text)


def test_an_unknown_task_is_told() -> None:
    """The message names the task, and those that there are."""
    with pytest.raises(UsageError, match="'bow', and the tasks are guild, sword"):
        check_names({"bow": 1}, [sword, guild])
