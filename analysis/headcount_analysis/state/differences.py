"""State: three accounts of what the run's owners have, and where they differ.

- *expected*: what the scenario said that its requests change, of those that were acknowledged, and
  of those without a definite answer whose events are in the topic.
- *implied*: what the run's events in the topic add up to. Copies of an event that the service made
  once count once: that there are several is a class of its own.
- *stored*: what the service's database said when the run was over.

An account is a number for each thing of each owner (see `headcount.run.state_changes`); all three
must be the same. For a generator that never sealed, the expected state is unknown, so only the
other two accounts of its owners are compared. Pure.
"""

from dataclasses import dataclass
from enum import StrEnum


class StateResult(StrEnum):
    """The result of the comparison."""

    EQUAL = "equal"
    DIFFERENT = "different"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Entry:
    """The change of a number by one event: by its request, and by its message; None if absent.

    `fate` is the class of its attempt; partition and offset are those of its message.
    """

    id: str | None
    event_type: str | None
    fate: str | None
    expected: int | None
    implied: int | None
    partition: int | None
    offset: int | None


@dataclass(frozen=True, slots=True)
class StateDifference:
    """A number on which the accounts disagree, and the events that led to it.

    `expected` is None where that is not known, `stored` where no database was looked at.
    """

    owner: str
    thing: str
    expected: int | None
    implied: int
    stored: int | None
    entries: tuple[Entry, ...] = ()

    @property
    def kind(self) -> str:
        """The kind of resource: gold, item, cart, guild or player."""
        return self.thing.partition(":")[0]

    @property
    def name(self) -> str:
        """The name within its kind, such as `bow:wood=yew`; empty for the only one of its kind."""
        return self.thing.partition(":")[2]

    @property
    def stands_alone(self) -> str:
        """The account that differs from two that agree; empty if none does."""
        accounts = {"expected": self.expected, "implied": self.implied, "stored": self.stored}
        for name, number in accounts.items():
            others = {other for key, other in accounts.items() if key != name}
            if len(others) == 1 and None not in others and number not in {None, *others}:
                return name
        return ""


@dataclass(frozen=True, slots=True)
class StateCheck:
    """The result of comparing the three accounts.

    `why_not` says why not all three were compared. `is_due` says that they should have been, so
    that a run cannot pass without. `differences` are the first of `different`.
    """

    owners: int = 0
    numbers: int = 0
    different: int = 0
    differences: tuple[StateDifference, ...] = ()
    why_not: str = "no request said what it changes"
    is_due: bool = False

    @property
    def result(self) -> StateResult:
        """The result of the comparison."""
        if self.different:
            return StateResult.DIFFERENT
        return StateResult.NOT_CHECKED if self.why_not else StateResult.EQUAL

    @property
    def was_asked_for(self) -> bool:
        """Whether anything was compared, or should have been."""
        return self.is_due or self.numbers > 0

    def __str__(self) -> str:
        """Format it as one line."""
        if self.different:
            return f"{self.result} ({self.different:,} of {self.numbers:,} numbers)"
        if self.why_not:
            return f"{self.result}: {self.why_not}"
        return f"{self.result} ({self.numbers:,} numbers of {self.owners:,} players)"
