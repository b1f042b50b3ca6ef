"""Changes: what an attempt does to its owner's state, if it takes effect.

State is a number for each *thing* of each *owner*: `gold`, `item:bow:wood=yew`, `guild:knights`.
A thing that is not mentioned is 0, and a state is the sum of its changes, in any order. So three
accounts of it can be compared: what the scenario expects, what the topic implies, and what a
database holds.

An owner belongs to one generator of one run: its name begins with `<tag>.<generator>.`.
"""

from collections.abc import Mapping
from typing import NamedTuple

LARGEST = 1 << 53  # JSON numbers are exact up to here in every language
LONGEST = 1000


class Changes(NamedTuple):
    """By how much each thing of an owner changes."""

    owner: str
    by_thing: Mapping[str, int]


def check(changes: Changes, prefix: str) -> None:
    """Check that the changes, of an owner whose name begins with `prefix`, can be recorded.

    Raises:
        ValueError: The message says what is wrong.
    """
    if not changes.owner.startswith(prefix):
        raise ValueError(
            f"the owner {changes.owner!r} must begin with {prefix!r}: name it with new_owner()"
        )
    changes.owner.encode()  # what cannot be written in UTF-8 cannot be in a ledger
    for resource, change in changes.by_thing.items():
        if not isinstance(resource, str) or not 0 < len(resource) <= LONGEST:
            raise ValueError(
                f"a thing's name must have 1 to {LONGEST} characters, got {resource!r}"
            )
        resource.encode()
        if type(change) is not int or abs(change) > LARGEST:
            raise ValueError(
                f"{resource!r} must change by a whole number up to 2^53, got {change!r}"
            )
