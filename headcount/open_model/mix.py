"""The mix: the weight of each task, in the syntax of `--mix default=5,sword=3,guild=2`."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from headcount.errors import UsageError

_PART = re.compile(r"\s*(\w+)\s*=\s*(\d{1,4})\s*")

Task = Any  # a function or a TaskSet; Locust's own type is just as loose


def parse_mix(text: str) -> dict[str, int]:
    """Parse the weights by task name. UsageError names the invalid part."""
    mix: dict[str, int] = {}
    for part in text.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            raise UsageError(f"--mix must be NAME=WEIGHT,… with integer weights, got {part!r}")
        if match[1] in mix:
            raise UsageError(f"--mix names {match[1]!r} twice")
        mix[match[1]] = int(match[2])
    if not any(mix.values()):
        raise UsageError(f"--mix must give at least one task a weight above 0, got {text!r}")
    return mix


def weighted(tasks: Sequence[Task], mix: Mapping[str, int]) -> list[Task]:
    """Repeat each task by its weight in the mix; a task without a weight is left out."""
    by_name = {task.__name__: task for task in tasks}
    return [by_name[name] for name, weight in mix.items() if name in by_name for _ in range(weight)]


def check_names(mix: Mapping[str, int], tasks: Sequence[Task]) -> None:
    """Raise UsageError if the mix names a task that no user has."""
    known = sorted({task.__name__ for task in tasks})
    for name in mix:
        if name not in known:
            raise UsageError(
                f"--mix names the unknown task {name!r}; the tasks are {', '.join(known)}"
            )
