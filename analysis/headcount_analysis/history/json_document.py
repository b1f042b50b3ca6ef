"""The history as one JSON document."""

import json
import math
from typing import Any

from headcount_analysis.compare_runs.change import Change
from headcount_analysis.history.baseline import Assessment
from headcount_analysis.history.history import HistoryOverview, SelectedSeries
from headcount_analysis.history.series import LevelChange, Series

FORMAT = 1


def dump(history: HistoryOverview, chosen: tuple[SelectedSeries, ...]) -> str:
    """Return the document of the selected runs as JSON text."""
    content = document(history, chosen)
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def document(history: HistoryOverview, chosen: tuple[SelectedSeries, ...]) -> dict[str, Any]:
    """Build the document; durations are in ms, rates per second, and a ratio is 0.1 for 10 % more.

    The changes of a series follow from all its runs; its `runs` are only those that are selected.
    """
    return {
        "format": FORMAT,
        "baseline_runs": history.baseline_runs,
        "series": [_series(selected) for selected in chosen],
        "not_judged": list(history.past.not_judged),
        "unreadable": dict(history.past.unreadable),
    }


def _series(chosen: SelectedSeries) -> dict[str, Any]:
    series = chosen.series
    first = series.first
    return {
        "scenario": first.scenario,
        "target": first.target,
        "load": first.load,
        "conditions": first.conditions,
        "all_runs": len(series.runs),
        "changes": [_level(series, change) for change in series.changes],
        "runs": [_run(run) for run in chosen.shown],
    }


def _level(series: Series, change: LevelChange) -> dict[str, Any]:
    return {
        "metric": str(change.metric),
        "run_id": series.runs[change.index].entry.run_id,
        "before": change.before,
        "after": change.after,
        "ratio": change.ratio,
        "confidence": change.confidence,
    }


def _run(run: Assessment) -> dict[str, Any]:
    entry = run.entry
    return {
        "run_id": entry.run_id,
        "created_at": entry.created_at.isoformat(),
        "label": entry.label.value,
        "broken": list(entry.broken),
        "counts": dict(entry.counts),
        "figures": dict(entry.figures),
        "version": entry.version,
        "baseline": list(run.baseline),
        "changes": {str(change.metric): _change(change) for change in run.changes},
    }


def _change(change: Change) -> dict[str, Any]:
    """Return a change; an end of its interval that is infinite is null."""
    estimate = change.estimate
    interval = None if estimate is None else estimate.interval
    ends = () if interval is None else (interval.low, interval.high)
    return {
        "label": change.label.value,
        "difference": None if change.difference is None else change.difference.change,
        "ratio": None if change.ratio is None else change.ratio.change,
        "interval": [end if math.isfinite(end) else None for end in ends] or None,
    }
