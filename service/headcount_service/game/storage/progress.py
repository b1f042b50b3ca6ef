"""Progress: how many of some players' events are published."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PublishProgress:
    """How many events the players have, and how many of these are unpublished.

    Every commit increases the count. Ids would not show progress: they need not be in the order of
    the commits.
    """

    events: int
    unpublished: int
