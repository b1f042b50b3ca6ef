"""JSON pointers (RFC 6901): their steps, and the value to which they lead."""

from collections.abc import Mapping, Sequence
from typing import Final

ABSENT: Final = object()
"""Stands for a value that is not there; null is a value."""


def steps_of(pointer: str) -> tuple[str, ...]:
    """Return the unescaped steps of a pointer; none for an empty one."""
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])


def pointer_of(steps: Sequence[str | int]) -> str:
    """Write a pointer."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def value_at(root: object, steps: Sequence[str]) -> object:
    """Return the field or the element at the end of some steps; ABSENT if there is none."""
    value = root
    for step in steps:
        if isinstance(value, Mapping):
            value = value.get(step, ABSENT)
        elif isinstance(value, list) and _is_index(step) and int(step) < len(value):
            value = value[int(step)]
        else:
            return ABSENT
    return value


def _is_index(step: str) -> bool:
    return step.isascii() and step.isdigit()
