"""The comparison: all that is said of runs side by side, before it is written in any form."""

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.compare.change import Change, change_of, changes
from analysis.compare.comparable import Differences, differences
from analysis.compare.limits import Judged, Limit, State, judge
from analysis.compare.runs import Side
from headcount.errors import UsageError
from headcount.verdict import Verdict

BROKEN_LIMIT = 4


@dataclass(frozen=True, slots=True)
class Versus:
    """One side against the base: each metric's change, in total and by event type."""

    side: Side
    changes: tuple[Change, ...]

    @property
    def in_total(self) -> tuple[Change, ...]:
        """The changes over all event types."""
        return tuple(each for each in self.changes if each.metric.event_type is None)

    @property
    def event_types(self) -> tuple[str, ...]:
        """The event types that any run has."""
        names = (each.metric.event_type for each in self.changes)
        return tuple(dict.fromkeys(name for name in names if name is not None))

    @property
    def told(self) -> tuple[Change, ...]:
        """The changes that are told from noise."""
        return tuple(each for each in self.changes if each.is_told)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Sides against a base, what differs between their runs besides, and each limit's outcome."""

    base: Side
    others: tuple[Versus, ...]
    differences: Differences
    limits: tuple[Judged, ...] = ()

    @property
    def sides(self) -> tuple[Side, ...]:
        """All of them, the base first."""
        return (self.base, *(versus.side for versus in self.others))

    @property
    def is_repeated(self) -> bool:
        """Whether any side has several runs, so that noise can be told from change."""
        return any(len(side.runs) > 1 for side in self.sides)

    def of_state(self, state: State) -> tuple[Judged, ...]:
        """The limits of which this is said."""
        return tuple(each for each in self.limits if each.state is state)

    @property
    def exit_code(self) -> int:
        """4 if a limit is broken, else 3 if one cannot be told, else 0."""
        if self.of_state(State.BROKEN):
            return BROKEN_LIMIT
        return Verdict.INCONCLUSIVE.exit_code if self.of_state(State.UNKNOWN) else 0


def compare(
    sides: Sequence[Side], limits: Sequence[Limit] = (), *, anyway: bool = False
) -> Comparison:
    """Compare sides with the first of them.

    UsageError names all that keeps them from being comparable, unless they are to be compared
    `anyway`.
    """
    found = differences(sides)
    if found.obstacles and not anyway:
        told = "\n".join(f"  - {each}" for each in found.obstacles)
        raise UsageError(
            f"these runs are not comparable:\n{told}\n"
            "with --anyway they are compared all the same, and this stands above the result"
        )
    base, *others = sides
    return Comparison(
        base=base,
        others=tuple(Versus(side, changes(base, side)) for side in others),
        differences=found,
        limits=tuple(
            judge(limit, side.name, change_of(limit.metric, base, side))
            for side in others
            for limit in limits
        ),
    )
