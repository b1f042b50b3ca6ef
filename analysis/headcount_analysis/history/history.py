"""The history: all runs of a store in their series, and those that a reader selects."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from headcount.run.verdict import Label
from headcount_analysis.history.baseline import Assessment
from headcount_analysis.history.entry import HistoryEntry
from headcount_analysis.history.index import PastRuns
from headcount_analysis.history.series import Series, series_of


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs to show: those that contain these texts and have one of the labels.

    The case of letters does not matter. An empty field selects all runs.
    """

    scenario: str = ""
    target: str = ""
    labels: frozenset[Label] = frozenset()
    search: str = ""

    def selects(self, entry: HistoryEntry) -> bool:
        """Return whether a run is shown."""
        return (
            self.scenario.lower() in entry.scenario.lower()
            and self.target.lower() in entry.target.lower()
            and (not self.labels or entry.label in self.labels)
            and all(word in searched(entry) for word in self.search.lower().split())
        )


class SortKey(StrEnum):
    """What runs are sorted by; the first run is the latest, or the worst."""

    BEGAN = "began"
    VERDICT = "verdict"
    RATE = "rate"
    P50 = "p50"
    P99 = "p99"
    END_TO_END = "end-to-end"
    LOST = "lost"
    DEFECTS = "defects"


@dataclass(frozen=True, slots=True)
class HistoryOverview:
    """The runs of a store in their series; `baseline_runs` is the size of a baseline.

    `past` is what was read from the store, including runs that have no entry.
    """

    series: tuple[Series, ...]
    baseline_runs: int
    past: PastRuns

    @property
    def runs(self) -> tuple[Assessment, ...]:
        """All runs, the latest first."""
        runs = (run for series in self.series for run in series.runs)
        return tuple(sorted(runs, key=began, reverse=True))


@dataclass(frozen=True, slots=True)
class SelectedSeries:
    """A series, and those of its runs that are shown."""

    series: Series
    shown: tuple[Assessment, ...]


def history_of(past: PastRuns, baseline_runs: int) -> HistoryOverview:
    """Put the runs of a store in series, and compare each with its baseline."""
    return HistoryOverview(series_of(past.entries, baseline_runs), baseline_runs, past)


def selected(
    history: HistoryOverview,
    chosen: RunFilter,
    *,
    last: int | None = None,
    by: SortKey = SortKey.BEGAN,
    is_reversed: bool = False,
) -> tuple[SelectedSeries, ...]:
    """Select runs: those that a filter selects, the `last` of them, sorted within each series.

    Baselines and change points follow from all runs of a series, including those not selected.
    """
    runs = [run for run in history.runs if chosen.selects(run.entry)]
    kept = {run.entry.run_id for run in runs[:last]}
    of_series = (
        SelectedSeries(
            series,
            tuple(in_order((r for r in series.runs if r.entry.run_id in kept), by, is_reversed)),
        )
        for series in history.series
    )
    return tuple(selected_series for selected_series in of_series if selected_series.shown)


def in_order(
    runs: Iterable[Assessment], by: SortKey, is_reversed: bool = False
) -> list[Assessment]:
    """Sort runs; those without the figure are last, whatever the direction."""
    latest_first = sorted(runs, key=began, reverse=True)
    figure, is_rising = _SORTED_BY[by]
    has_figure = [run for run in latest_first if figure(run) is not None]
    others = [run for run in latest_first if figure(run) is None]
    # Sorting in reverse keeps the order of equal runs.
    has_figure.sort(key=lambda run: figure(run) or 0.0, reverse=is_rising == is_reversed)
    return has_figure + others


def began(run: Assessment) -> tuple[float, str]:
    """Return the sort key for the order in which runs began."""
    return run.entry.created_at.timestamp(), run.entry.run_id


def searched(entry: HistoryEntry) -> str:
    """Return the text in which a search looks for each of its words."""
    texts = (entry.run_id, entry.scenario, entry.target, entry.load, entry.label.value)
    return "\n".join((*texts, *entry.broken, *entry.defects, entry.version)).lower()


def _figure(name: str) -> Callable[[Assessment], float | None]:
    return lambda run: run.entry.figures.get(name)


def _count(name: str) -> Callable[[Assessment], float | None]:
    return lambda run: run.entry.counts.get(name)


_SORTED_BY: dict[SortKey, tuple[Callable[[Assessment], float | None], bool]] = {
    SortKey.BEGAN: (lambda run: run.entry.created_at.timestamp(), False),
    SortKey.VERDICT: (lambda run: run.entry.label.rank, False),
    SortKey.RATE: (_figure("rps"), True),
    SortKey.P50: (_figure("http.p50"), False),
    SortKey.P99: (_figure("http.p99"), False),
    SortKey.END_TO_END: (_figure("end_to_end.p99"), False),
    SortKey.LOST: (_count("lost"), False),
    SortKey.DEFECTS: (lambda run: sum(run.entry.defects.values()), False),
}
"""What each key sorts by, and whether the first run has the smallest figure."""
