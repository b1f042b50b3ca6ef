"""Progress: how far the events of some players are."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PublishProgress:
    """How many events the players have, and how many of theirs are not published.

    Each commit adds to the number, while the ids of events need not be in the order of the commits.
    """

    events: int
    unpublished: int
