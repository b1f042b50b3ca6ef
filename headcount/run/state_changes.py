"""Changes: what an attempt does to its owner's state, if it is done.

State is a number for each *thing* of each *owner*: `gold`, `item:bow:wood=yew`, `guild:knights`.
What is not mentioned is 0, and a state is the sum of its changes, in any order. So three accounts
of it can be compared: what the scenario expects, what the topic implies, what a database says.

An owner is of one run, and of one generator in it: its name begins with `<tag>.<generator>.`.
"""

from collections.abc import Mapping
from typing import NamedTuple

LARGEST = 1 << 53  # what JSON numbers hold exactly in every language
LONGEST = 1000


class Changes(NamedTuple):
    """By how much each thing of an owner changes."""

    owner: str
    by_thing: Mapping[str, int]


def check(changes: Changes, prefix: str) -> None:
    """See that changes can be accounted for, of an owner whose name begins with `prefix`.

    Raises:
        ValueError: The message says what is wrong.
    """
    if not changes.owner.startswith(prefix):
        raise ValueError(
            f"the owner {changes.owner!r} is none of {prefix}*: name it by new_owner()"
        )
    changes.owner.encode()  # what cannot be written in UTF-8 cannot be in a ledger
    for thing, change in changes.by_thing.items():
        if not isinstance(thing, str) or not 0 < len(thing) <= LONGEST:
            raise ValueError(f"a thing's name has 1 to {LONGEST} characters, got {thing!r}")
        thing.encode()
        if type(change) is not int or abs(change) > LARGEST:
            raise ValueError(f"{thing!r} changes by a whole number up to 2^53, got {change!r}")
