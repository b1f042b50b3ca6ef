"""The rounds of `reconcile`: what each contender used, selectable by size and contender."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bench.harness.parts import ProcessUsage


@dataclass(frozen=True, slots=True)
class ReconcileRound:
    """The usage of one contender, and the number of lost events that it counted."""

    events: int
    variant: str
    watched: ProcessUsage
    lost: int | None


@dataclass(frozen=True, slots=True)
class ReconcileRounds:
    """Rounds, selectable by size and contender."""

    rounds: Sequence[ReconcileRound] = field(default_factory=list)

    def of(self, events: int, variant: str, value: Callable[[ProcessUsage], float]) -> list[float]:
        """Return one figure for each round of a contender."""
        return [
            value(one_round.watched)
            for one_round in self.rounds
            if (one_round.events, one_round.variant) == (events, variant)
        ]

    def seconds(self, events: int, variant: str) -> list[float]:
        """Return the time of each round of a contender."""
        return self.of(events, variant, lambda usage: usage.seconds)
