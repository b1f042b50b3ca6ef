"""Settling: how long a topic is read on after the last answer, until nothing is missing any more.

The end of the run's part of the topic is noted a moment after the last answer, and read. While
events that were acknowledged are missing it is noted again, and what has come since is read, until
none is missing or the time to settle is over. Pure: what waits implements the protocol.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from headcount.ledger.reader import GeneratorLedger
from headcount.run.manifest import SETTLE_S, WATCH_FOR_S, End

LOOK_EVERY_S = 1.0
"""The least time between two looks at the topic; they grow rarer as time goes on."""
FOLLOWING_S = 0.5
"""So long the topic is watched after the last missing event has come: its duplicate may follow."""
NEARLY_OVER = 0.9
"""What arrives after this share of the time to settle shows that the time may be too short."""


@dataclass(frozen=True, slots=True)
class Database:
    """What is known of the service's database: its account, or why there is none.

    `is_due` says that there should be one.
    """

    stored: Path | None = None
    why_not: str = "no database was named: --database-url names one"
    is_due: bool = False


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a run's part of the topic reaches, and the ledger and the database of that moment."""

    end: End
    parts: Sequence[GeneratorLedger] | None = None
    database: Database = field(default_factory=Database)


class Settling(Protocol):
    """Says how far the topic is to be read, later and later."""

    def later(
        self, missing: int, answered_ns: int | None, progress: Callable[[str], None]
    ) -> Reach | None:
        """Wait, and say how far the topic reaches by then; None once it has settled.

        Args:
            missing: How many acknowledged events were not in what was read so far.
            answered_ns: When the last answer came, by the generators' clocks.
            progress: Is told what is waited for.
        """

    def settled(self, why_not: str = "") -> End:
        """Give the end of what was read, and how it settled; `why_not` kept the rest from it."""


@dataclass(frozen=True, slots=True)
class TopicLook:
    """How long after the last answer the end was noted, and how many events were missing then."""

    at_s: float
    missing: int


@dataclass(frozen=True, slots=True)
class Waits:
    """How long is waited, in seconds from the last answer."""

    settle_s: float = SETTLE_S
    watch_for_s: float = WATCH_FOR_S

    def next_look_s(self, looks: Sequence[TopicLook]) -> float | None:
        """When the topic is looked at next; None when it is not."""
        last = looks[-1]
        if not last.missing:
            has_just_come = len(looks) > 1 and looks[-2].missing > 0
            return last.at_s + FOLLOWING_S if has_just_come else None
        if last.at_s >= self.settle_s:
            return None
        return min(self.settle_s, last.at_s + max(LOOK_EVERY_S, last.at_s / 10))

    def moving(self, looks: Sequence[TopicLook]) -> int:
        """Count the events that came when the time was nearly over, while others stayed missing."""
        if not looks or not looks[-1].missing:
            return 0
        before = [look for look in looks if look.at_s <= NEARLY_OVER * self.settle_s]
        return (before[-1] if before else looks[0]).missing - looks[-1].missing
