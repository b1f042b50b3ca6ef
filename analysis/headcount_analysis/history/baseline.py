"""The baseline: the last passing runs before a run in its series, to compare the run with.

Counts are facts: if a run has a loss and its baseline has none, it is worse, whatever the noise.
For a sampled figure, one run is compared with several (see `compare_runs/statistics.py`).
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from headcount.run.verdict import Label
from headcount.thresholds.metrics import METRICS, Metric
from headcount_analysis.compare_runs.change import (
    Change,
    ChangeLabel,
    resolution_of,
    with_family_level,
)
from headcount_analysis.compare_runs.facts import FACTS
from headcount_analysis.compare_runs.statistics import Estimate, ratio
from headcount_analysis.history.entry import SAMPLED, HistoryEntry

BASELINE_RUNS = 10
"""How many passing runs a baseline has, by default."""

FEWEST_RUNS = 3
"""With fewer passing runs, no sampled figure is compared."""

_FACTS = tuple(name for name in METRICS if name in FACTS)


@dataclass(frozen=True, slots=True)
class Assessment:
    """A run, the ids of its baseline, and each change against it; none without a baseline."""

    entry: HistoryEntry
    baseline: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()

    @property
    def worse(self) -> tuple[Change, ...]:
        """The facts that got worse."""
        return tuple(change for change in self.changes if change.label is ChangeLabel.WORSE)

    @property
    def shifted(self) -> tuple[Change, ...]:
        """The sampled figures that changed by more than noise."""
        return tuple(
            change for change in self.changes if not change.is_fact and change.is_significant
        )

    def change_of(self, metric: Metric) -> Change | None:
        """Return the change of a metric; None if it was not compared."""
        return next((change for change in self.changes if change.metric == metric), None)


def assessments(runs: Sequence[HistoryEntry], baseline_runs: int) -> Iterator[Assessment]:
    """Compare each run of a series with its baseline of up to `baseline_runs` passing runs."""
    passing = deque[HistoryEntry](maxlen=baseline_runs)
    for run in runs:
        yield _assessment(run, tuple(passing))
        if run.label is Label.PASS:
            passing.append(run)


def _assessment(run: HistoryEntry, base: tuple[HistoryEntry, ...]) -> Assessment:
    ids = tuple(entry.run_id for entry in base)
    if not base or not run.is_comparable:
        return Assessment(run, ids)
    return Assessment(run, ids, (*_facts(run, base), *with_family_level(_samples(run, base))))


def _facts(run: HistoryEntry, base: Sequence[HistoryEntry]) -> Iterator[Change]:
    for name in _FACTS if run.counts else ():
        before = tuple(float(entry.counts.get(name, 0)) for entry in base)
        after = float(run.counts.get(name, 0))
        rise = Estimate(after - fmean(before))
        is_judged = name in run.judged
        yield Change(Metric(name), before, (after,), difference=rise, is_judged=is_judged)


def _samples(run: HistoryEntry, base: Sequence[HistoryEntry]) -> Iterator[Change]:
    for metric in SAMPLED:
        before = tuple(figure for entry in base if (figure := entry.positive(metric)))
        after = run.positive(metric)
        if after and len(before) >= FEWEST_RUNS:
            shift = ratio(before, (after,), resolution_of(metric, (*before, after)))
            yield Change(metric, before, (after,), ratio=shift)
