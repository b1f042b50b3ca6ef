"""The comparison of runs: its results, independent of any output format."""

from collections.abc import Sequence
from dataclasses import dataclass

from headcount.errors import UsageError
from headcount.run.verdict import Verdict
from headcount_analysis.compare_runs.change import Change, ChangeLabel, change_of, changes
from headcount_analysis.compare_runs.comparable import RunDifferences, differences
from headcount_analysis.compare_runs.limits import Limit, LimitResult, LimitState, judge
from headcount_analysis.compare_runs.runs import Side

BROKEN_LIMIT = 4


@dataclass(frozen=True, slots=True)
class Versus:
    """One side compared with the base: each metric's change, in total and by event type."""

    side: Side
    changes: tuple[Change, ...]

    @property
    def in_total(self) -> tuple[Change, ...]:
        """The changes over all event types."""
        return tuple(change for change in self.changes if change.metric.event_type is None)

    @property
    def event_types(self) -> tuple[str, ...]:
        """The event types of all runs."""
        names = (change.metric.event_type for change in self.changes)
        return tuple(dict.fromkeys(name for name in names if name is not None))

    @property
    def worse(self) -> tuple[Change, ...]:
        """The facts that got worse in total, or only for an event type."""
        return self._facts(ChangeLabel.WORSE)

    @property
    def better(self) -> tuple[Change, ...]:
        """The facts that got better in total, or only for an event type."""
        return self._facts(ChangeLabel.BETTER)

    def _facts(self, label: ChangeLabel) -> tuple[Change, ...]:
        labelled = [change for change in self.changes if change.label is label]
        in_total = {change.metric.name for change in labelled if change.metric.event_type is None}
        return tuple(
            change
            for change in labelled
            if change.metric.event_type is None or change.metric.name not in in_total
        )

    @property
    def samples(self) -> tuple[Change, ...]:
        """The changes of sampled figures, which have noise."""
        return tuple(change for change in self.changes if not change.is_fact)

    @property
    def significant(self) -> tuple[Change, ...]:
        """The samples whose changes exceed noise."""
        return tuple(sample for sample in self.samples if sample.is_significant)


@dataclass(frozen=True, slots=True)
class RunComparison:
    """Sides against a base, other differences between their runs, and each limit's result."""

    base: Side
    others: tuple[Versus, ...]
    differences: RunDifferences
    limits: tuple[LimitResult, ...] = ()

    @property
    def sides(self) -> tuple[Side, ...]:
        """All sides, the base first."""
        return (self.base, *(versus.side for versus in self.others))

    @property
    def is_repeated(self) -> bool:
        """Whether any side has several runs, so that its noise is known."""
        return any(len(side.runs) > 1 for side in self.sides)

    def of_state(self, state: LimitState) -> tuple[LimitResult, ...]:
        """The limits with this result."""
        return tuple(limit for limit in self.limits if limit.state is state)

    @property
    def exit_code(self) -> int:
        """4 if a limit is broken, else 3 if one is undecided, else 0."""
        if self.of_state(LimitState.BROKEN):
            return BROKEN_LIMIT
        return Verdict.INCONCLUSIVE.exit_code if self.of_state(LimitState.UNKNOWN) else 0


def compare(
    sides: Sequence[Side],
    limits: Sequence[Limit] = (),
    *,
    anyway: bool = False,
    allow_single_run: bool = False,
) -> RunComparison:
    """Compare all other sides with the first.

    Raises UsageError with all obstacles if the runs are not comparable, unless `anyway`.
    `allow_single_run` lets one run per side decide a limit.
    """
    between_runs = differences(sides)
    if between_runs.obstacles and not anyway:
        obstacles = "\n".join(f"  - {obstacle}" for obstacle in between_runs.obstacles)
        raise UsageError(
            f"these runs are not comparable:\n{obstacles}\n"
            "--anyway compares them nevertheless, and shows this list above the result"
        )
    base, *others = sides
    return RunComparison(
        base=base,
        others=tuple(Versus(side, changes(base, side)) for side in others),
        differences=between_runs,
        limits=judge(
            (
                (limit, side.name, change_of(limit.metric, base, side))
                for side in others
                for limit in limits
            ),
            allow_single_run=allow_single_run,
        ),
    )
