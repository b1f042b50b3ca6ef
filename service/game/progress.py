"""Progress: how far the events of some players are."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """The number of the players' last event, and how many of theirs are not published."""

    last_event: int
    unpublished: int
