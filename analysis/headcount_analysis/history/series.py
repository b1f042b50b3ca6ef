"""Series: the runs of one scenario, target and load, in the order in which they began."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from headcount.thresholds.metrics import Metric
from headcount_analysis.history.baseline import Assessment, assessments
from headcount_analysis.history.entry import SAMPLED, HistoryEntry


@dataclass(frozen=True, slots=True)
class LevelChange:
    """A metric whose level changes at a run.

    `index` is that of the first run with the new level; a level is the median of the runs between
    two changes.
    """

    metric: Metric
    index: int
    before: float
    after: float
    confidence: float

    @property
    def ratio(self) -> float:
        """The change as a share of the level before."""
        return self.after / self.before - 1


@dataclass(frozen=True, slots=True)
class Series:
    """Runs that can be compared with each other, the earliest first.

    `changes` are sorted by their `index` in `runs`.
    """

    runs: tuple[Assessment, ...]
    changes: tuple[LevelChange, ...]

    @property
    def first(self) -> HistoryEntry:
        """Its first run."""
        return self.runs[0].entry

    @property
    def latest(self) -> Assessment:
        """Its latest run."""
        return self.runs[-1]

    @property
    def has_baseline(self) -> bool:
        """Whether any of its runs could be compared with earlier ones."""
        return any(run.baseline for run in self.runs)


def series_of(entries: Iterable[HistoryEntry], baseline_runs: int) -> tuple[Series, ...]:
    """Group the runs, the series with the latest run first.

    A baseline has up to `baseline_runs` passing runs.
    """
    groups: dict[tuple[str, ...], list[HistoryEntry]] = {}
    for entry in sorted(entries, key=lambda entry: (entry.created_at, entry.run_id)):
        groups.setdefault(entry.series, []).append(entry)
    in_order = sorted(groups.values(), key=lambda runs: runs[-1].created_at, reverse=True)
    return tuple(_series(runs, baseline_runs) for runs in in_order)


def _series(runs: Sequence[HistoryEntry], baseline_runs: int) -> Series:
    changes = [change for metric in SAMPLED for change in _changes(runs, metric)]
    return Series(
        runs=tuple(assessments(runs, baseline_runs)),
        changes=tuple(sorted(changes, key=lambda change: change.index)),
    )


def _changes(runs: Sequence[HistoryEntry], metric: Metric) -> list[LevelChange]:
    """Return the changes of a metric, over the runs that measured it and prove something."""
    # Imported here because it loads numpy, which is slow; the command's help must not wait for it.
    from headcount_analysis.history.change_points import change_points  # noqa: PLC0415

    figures = {
        index: figure
        for index, run in enumerate(runs)
        if run.is_comparable and (figure := run.positive(metric))
    }
    indexes = tuple(figures)
    return [
        LevelChange(metric, indexes[change.index], change.before, change.after, change.confidence)
        for change in change_points(tuple(figures.values()))
    ]
