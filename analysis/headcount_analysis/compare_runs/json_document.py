"""The comparison as one JSON document."""

import json
import math
from typing import Any

from headcount_analysis.compare_runs import words
from headcount_analysis.compare_runs.change import Change
from headcount_analysis.compare_runs.limits import LimitResult
from headcount_analysis.compare_runs.model import RunComparison, Versus
from headcount_analysis.compare_runs.runs import Side
from headcount_analysis.compare_runs.statistics import CONFIDENCE, Estimate

FORMAT = 1


def dump(comparison: RunComparison) -> str:
    """Return the document as JSON text."""
    content = document(comparison)
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def document(comparison: RunComparison) -> dict[str, Any]:
    """Build the document; durations are in ms, and `ratio` is a share of the base."""
    return {
        "format": FORMAT,
        "exit_code": comparison.exit_code,
        "confidence": CONFIDENCE,
        "headline": words.headline(comparison),
        "not_comparable": list(comparison.differences.obstacles),
        "differences": list(comparison.differences.shown),
        "limits": [_limit(limit) for limit in comparison.limits],
        "base": _side(comparison.base),
        "compared": [_versus(comparison, versus) for versus in comparison.others],
    }


def _side(side: Side) -> dict[str, Any]:
    return {
        "name": side.name,
        "runs": [
            {
                "run_id": run.run_id,
                "verdict": run.document.verdict.value,
                "label": run.document.label.value,
            }
            for run in side.runs
        ],
    }


def _versus(comparison: RunComparison, versus: Versus) -> dict[str, Any]:
    return {
        **_side(versus.side),
        "worse": list(words.worse_of(comparison, versus)),
        "summary": list(words.sentences(comparison, versus)),
        "changes": [_change(change) for change in versus.changes],
    }


def _change(change: Change) -> dict[str, Any]:
    metric = change.metric
    return {
        "metric": metric.name,
        "aggregate": metric.aggregate or None,
        "event_type": metric.event_type,
        "base": list(change.base),
        "run": list(change.run),
        "label": change.label.value,
        "difference": _estimate(change.difference),
        "ratio": _estimate(change.ratio),
    }


def _estimate(estimate: Estimate | None) -> dict[str, float | None] | None:
    """Convert an estimate. An infinite end is null; without an interval, both ends are."""
    if estimate is None:
        return None
    interval = estimate.interval
    ends = (None, None) if interval is None else (interval.low, interval.high)
    low, high = (None if end is None or math.isinf(end) else end for end in ends)
    return {"change": estimate.change, "low": low, "high": high}


def _limit(judged: LimitResult) -> dict[str, Any]:
    return {
        "text": judged.limit.text,
        "side": judged.side,
        "state": judged.state.value,
        "found": words.limit(judged),
    }
