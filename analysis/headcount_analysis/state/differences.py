"""State: three accounts of what the run's owners have, and where they differ.

- *expected*: the sum of the changes that the scenario declared, for acknowledged requests and for
  indeterminate ones whose events are in the topic.
- *implied*: the sum of the run's events in the topic. Copies of the same event count once; the
  class *duplicated* reports them.
- *stored*: the service's database at the end of the run.

An account is a number for each thing of each owner (see `headcount.run.state_changes`); all three
must be equal. For a generator that never sealed, the expected state is unknown, so only the
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
    """One event's change of a number: `expected` by its request, `implied` by its message.

    Either is None if absent. `fate` is the class of the attempt; `partition` and `offset` locate
    the message.
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

    `expected` is None if unknown, `stored` is None if no database was read.
    """

    owner: str
    resource: str
    expected: int | None
    implied: int
    stored: int | None
    entries: tuple[Entry, ...] = ()

    @property
    def kind(self) -> str:
        """The kind of resource: gold, item, cart, guild or player."""
        return self.resource.partition(":")[0]

    @property
    def name(self) -> str:
        """The name within its kind, such as `bow:wood=yew`; empty if the kind has only one."""
        return self.resource.partition(":")[2]

    @property
    def stands_alone(self) -> str:
        """The account that differs from the other two, which agree; empty if there is none."""
        accounts = {"expected": self.expected, "implied": self.implied, "stored": self.stored}
        for name, number in accounts.items():
            others = {other for key, other in accounts.items() if key != name}
            if len(others) == 1 and None not in others and number not in {None, *others}:
                return name
        return ""


@dataclass(frozen=True, slots=True)
class StateCheck:
    """The result of comparing the three accounts.

    `why_not` says why not all three were compared. If `is_due`, they should have been, and the
    run cannot pass unless they were. `different` counts the differences; `differences` lists the
    first of them.
    """

    owners: int = 0
    numbers: int = 0
    different: int = 0
    differences: tuple[StateDifference, ...] = ()
    why_not: str = "no request declared a change of state"
    is_due: bool = False

    @property
    def result(self) -> StateResult:
        """The result of the comparison."""
        if self.different:
            return StateResult.DIFFERENT
        return StateResult.NOT_CHECKED if self.why_not else StateResult.EQUAL

    @property
    def is_relevant(self) -> bool:
        """Whether anything was compared, or should have been."""
        return self.is_due or self.numbers > 0

    def __str__(self) -> str:
        """Format the result as one line."""
        if self.different:
            return f"{self.result} ({self.different:,} of {self.numbers:,} values)"
        if self.why_not:
            return f"{self.result}: {self.why_not}"
        return f"{self.result} ({self.numbers:,} values of {self.owners:,} players)"
