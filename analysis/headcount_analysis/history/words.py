"""Words: how the history is described, the same in the terminal and on its page."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean

from headcount.thresholds.metrics import Metric
from headcount_analysis.compare_runs.change import Change
from headcount_analysis.compare_runs.words import figure, readable, signed
from headcount_analysis.history.baseline import FEWEST_RUNS, Assessment
from headcount_analysis.history.entry import HistoryEntry
from headcount_analysis.history.series import LevelChange, Series

TITLES = {
    "rps": "rate",
    "http.p50": "http p50",
    "http.p99": "http p99",
    "end_to_end.p99": "end-to-end p99",
}
"""The titles of the sampled metrics."""

NONE = "-"

_WORSE = "WORSE"


def began_text(entry: HistoryEntry) -> str:
    """Return when a run began, in UTC, to the minute."""
    return f"{entry.created_at:%Y-%m-%d %H:%M}"


def sampled_text(entry: HistoryEntry, metric: Metric) -> str:
    """Return a sampled figure with its unit."""
    value = entry.figures.get(str(metric))
    return NONE if value is None else metric.show(value)


def count_text(entry: HistoryEntry, name: str) -> str:
    """Return a count."""
    return f"{entry.counts[name]:,}" if name in entry.counts else NONE


def other_defects(entry: HistoryEntry) -> str:
    """Return the defects other than lost events."""
    defects = (f"{count:,} {name}" for name, count in entry.defects.items() if name != "lost")
    return ", ".join(defects) or ("0" if entry.counts else NONE)


def defects_text(entry: HistoryEntry) -> str:
    """Return all defects of a run."""
    if not entry.counts:
        return NONE
    return ", ".join(f"{count:,} {name}" for name, count in entry.defects.items()) or "0"


def against_baseline(run: Assessment) -> str:
    """Describe in a few words how a run differs from its baseline."""
    if not run.entry.is_comparable:
        return "not compared: inconclusive"
    if not run.baseline:
        return "no baseline yet"
    changes = [f"{_WORSE}: {_rise(change)}" for change in run.worse]
    changes += [_shift(change) for change in run.shifted]
    if not changes and len(run.baseline) < FEWEST_RUNS:
        return f"baseline of {len(run.baseline)}"
    return "; ".join(changes) or "no clear change"


def _rise(change: Change) -> str:
    before, after = (figure(change.metric, fmean(side)) for side in (change.base, change.run))
    return f"{readable(change.metric)} {before} → {after}"


def _shift(change: Change) -> str:
    assert change.ratio is not None
    title = TITLES[str(change.metric)]
    return f"{title} {signed(change.metric, change.ratio.change, is_share=True)}"


@dataclass(frozen=True, slots=True)
class HistorySentence:
    """A sentence about a series; it names the run with `run_id`."""

    text: str
    run_id: str

    @property
    def parts(self) -> tuple[str, str, str]:
        """The text before the run's id, the id, and the text after it."""
        return self.text.partition(self.run_id)

    @property
    def is_worse(self) -> bool:
        """Whether it says that the latest run is worse."""
        return self.text.startswith(_WORSE)


def sentences(series: Series) -> Iterator[HistorySentence]:
    """Yield what changed in a series: defects, then levels, the latest first."""
    worse = [index for index, run in enumerate(series.runs) if run.worse]
    if worse:
        yield _defect_sentence(series, worse)
    for change in reversed(series.changes):
        run_id = series.runs[change.index].entry.run_id
        yield HistorySentence(level_sentence(series, change), run_id)


def _defect_sentence(series: Series, worse: list[int]) -> HistorySentence:
    latest = series.runs[worse[-1]]
    return HistorySentence(_defect_text(series, worse, latest), latest.entry.run_id)


def _defect_text(series: Series, worse: list[int], latest: Assessment) -> str:
    rises = "; ".join(_rise(change) for change in latest.worse)
    since = len(series.runs) - 1 - worse[-1]
    if not since:
        others = f"; in total, {len(worse)} runs were worse" if len(worse) > 1 else ""
        return f"{_WORSE}: {rises} in the latest run, {_run(latest.entry)}{others}"
    runs = f"{len(worse)} runs were worse, the latest" if len(worse) > 1 else "1 run was worse,"
    return f"{runs} {_run(latest.entry)}: {rises}; no later run was worse ({since:,} so far)"


def level_sentence(series: Series, change: LevelChange) -> str:
    """Describe a change point, with its confidence."""
    before, after = (change.metric.show(level) for level in (change.before, change.after))
    verb = "rose" if change.after > change.before else "fell"
    entry = series.runs[change.index].entry
    return (
        f"{TITLES[str(change.metric)]} {verb} from {before} to {after} ({share(change)}) at "
        f"{_run(entry)}, confidence {confidence(change)}"
    )


def share(change: LevelChange) -> str:
    """Return by how much a level changed, in percent."""
    return signed(change.metric, change.ratio, is_share=True)


def confidence(change: LevelChange) -> str:
    """Return the confidence of a change point in percent."""
    return f"{100 * change.confidence:.1f} %"


def heading(series: Series) -> str:
    """Name a series in one line."""
    first = series.first
    return f"{first.scenario} · {first.target} · {first.load}"


def _run(entry: HistoryEntry) -> str:
    return f"{entry.run_id} ({entry.created_at:%Y-%m-%d})"
