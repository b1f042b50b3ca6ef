"""Settling: how long a topic is read after the last response.

The end of the run's part of the topic is recorded shortly after the last response. While
acknowledged events are missing, a later end is recorded and the topic is read up to it, until none
is missing or the time to settle is over. Pure: the caller implements the protocol, and waits.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from headcount.ledger.reader import GeneratorLedger
from headcount.run.default_times import SETTLE_S, WATCH_FOR_S
from headcount.run.manifest import End

LOOK_EVERY_S = 1.0
"""The shortest interval between two looks at the topic; the interval grows with time."""
DUPLICATE_WATCH_S = 0.5
"""How long the topic is watched after the last missing event arrived: a duplicate may follow."""
NEARLY_OVER_AT = 0.9
"""An event that arrives after this share of the settle time shows that the settle time may be too
short."""


@dataclass(frozen=True, slots=True)
class Database:
    """The service's database at the end of the run: its state, or why it was not read.

    `is_due` is set if there should be a database.
    """

    stored: Path | None = None
    why_not: str = "no database was named: name one with --database-url"
    is_due: bool = False


@dataclass(frozen=True, slots=True)
class Reach:
    """The end of a run's part of the topic, and the ledger and the database at that moment.

    `topic_id` and `leader_epochs` were read just before that; None if they were not looked up.
    `epoch_ends` are explained in `TopicSeen`.
    """

    end: End
    parts: Sequence[GeneratorLedger] | None = None
    database: Database = field(default_factory=Database)
    topic_id: str | None = None
    leader_epochs: Mapping[int, int] | None = None
    epoch_ends: Mapping[int, int] = field(default_factory=dict)


class Settling(Protocol):
    """Decides up to which offsets the topic is read, until it has settled."""

    def later(
        self, missing: int, answered_ns: int | None, progress: Callable[[str], None]
    ) -> Reach | None:
        """Wait, and return the topic's end at that time; None once it has settled.

        Args:
            missing: How many acknowledged events are not among the messages read so far.
            answered_ns: When the last response arrived, by the generators' clocks.
            progress: Called with a description of what is being waited for.
        """

    def settled(self, why_not: str = "") -> End:
        """Return the end up to which the topic was read, and how it settled.

        `why_not` says why a later end could not be read.
        """


@dataclass(frozen=True, slots=True)
class TopicLook:
    """A look at the topic: when, in seconds since the last response, and how many were missing."""

    at_s: float
    missing: int


@dataclass(frozen=True, slots=True)
class Waits:
    """How long to wait, in seconds from the last response."""

    settle_s: float = SETTLE_S
    watch_for_s: float = WATCH_FOR_S

    def next_look_s(self, looks: Sequence[TopicLook]) -> float | None:
        """Return the time of the next look, in s since the last response; None after the last."""
        last = looks[-1]
        if not last.missing:
            has_just_come = len(looks) > 1 and looks[-2].missing > 0
            return last.at_s + DUPLICATE_WATCH_S if has_just_come else None
        if last.at_s >= self.settle_s:
            return None
        return min(self.settle_s, last.at_s + max(LOOK_EVERY_S, last.at_s / 10))

    def moving(self, looks: Sequence[TopicLook]) -> int:
        """Count the events first seen when time was nearly over, if others are still missing."""
        if not looks or not looks[-1].missing:
            return 0
        before = [look for look in looks if look.at_s <= NEARLY_OVER_AT * self.settle_s]
        return (before[-1] if before else looks[0]).missing - looks[-1].missing
