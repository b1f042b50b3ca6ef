"""Progress: how many of some players' events are published."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PublishProgress:
    """How many events the players have, and how many of these are unpublished.

    Every commit of an event increases `events`, but not always the highest id: an event with a
    lower id may be committed later.
    """

    events: int
    unpublished: int
