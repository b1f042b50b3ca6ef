"""A finding: one prerequisite of a run, and its state."""

from collections.abc import Callable
from dataclasses import dataclass

from headcount.errors import PartError


@dataclass(frozen=True, slots=True)
class Finding:
    """One prerequisite and its state; `remedy` is empty if nothing is wrong."""

    name: str
    state: str
    remedy: str = ""


def checked(name: str, check: Callable[[], str]) -> Finding:
    """Return what a check finds; if it raises PartError, the message is the remedy."""
    try:
        return Finding(name, check())
    except PartError as error:
        return Finding(name, "", str(error))
