"""Literal runs, written to their folders."""

import json
from pathlib import Path
from typing import Any

from headcount_analysis.compare_runs.runs import Side, VerifiedRun, read_run

from headcount.run.folder import RunFolder
from headcount.run.manifest import Manifest

ZERO = dict.fromkeys(
    (
        *("failed", "indeterminate", "lost", "duplicated", "recovered", "absent", "refused"),
        *("ghost", "phantom", "foreign", "malformed", "corrupted", "reordered", "late"),
        *("garbled", "misplaced"),
    ),
    0,
)


def counts(attempted: int = 1000, **more: int) -> dict[str, int]:
    """Return the counts of a run that delivered everything except what `more` names."""
    delivered = attempted - sum(more.get(name, 0) for name in ("lost", "failed"))
    acked = attempted - more.get("failed", 0)
    return {**ZERO, "attempted": attempted, "acked": acked, "delivered": delivered, **more}


def durations(event_type: str, measure: str, ms: float) -> dict[str, Any]:
    """Return one measure; its 99th percentile is `ms`."""
    shares = {"0.5": 0.2, "0.75": 0.3, "0.9": 0.5, "0.95": 0.8, "0.99": 1, "0.999": 2}
    return {
        "event_type": event_type,
        "measure": measure,
        "count": 1000,
        "negative": 0,
        "min_ms": 0.1 * ms,
        "mean_ms": 0.25 * ms,
        "max_ms": 3.0 * ms,
        "percentiles": {quantile: share * ms for quantile, share in shares.items()},
    }


def verdict(run_id: str, ms: float = 100.0, **changes: Any) -> dict[str, Any]:
    """Return a run's verdict: `ms` is its http.p99, `changes` are other keys."""
    of_all = changes.get("counts", counts())
    return {
        "format": 1,
        "run_id": run_id,
        "verdict": "pass",
        "counts": of_all,
        "by_event_type": {"default": of_all},
        "span_s": 10.0,
        "latency_ms": [
            durations(event_type, measure, ms)
            for event_type in ("default", "total")
            for measure in ("http", "from_intended", "end_to_end")
        ],
        "limits": {"lost": 0, "late": None, "late_after_ms": 60_000},
        "timestamps": ["LogAppendTime"],
        "scenario": "mixed.py",
        "host": "http://127.0.0.1:8000",
        "promise": "acks=all, idempotent",
        "options": {"num_users": 20, "run_time": 30, "mix": "", "seed": 1},
        "created_at": "2026-11-25T10:33:29+00:00",
        "versions": {"headcount": "0.1.0"},
        **changes,
    }


def written(reports: Path, run_id: str, ms: float = 100.0, **changes: Any) -> RunFolder:
    """Write a run's folder, without its tables."""
    folder = RunFolder(reports / run_id)
    folder.create()
    folder.write_manifest(
        Manifest(
            run_id=run_id,
            created_at="2026-11-25T10:33:29+00:00",
            headcount_version="0.1.0",
            scenario="mixed.py",
            host="http://127.0.0.1:8000",
            bootstrap_servers="127.0.0.1:9092",
            cluster_id="cluster",
            topic="events",
            topic_id=None,
            cleanup_policy="delete",
            start_offsets={0: 0},
        )
    )
    (folder.path / "verdict.json").write_text(json.dumps(verdict(run_id, ms, **changes)))
    return folder


def a_run(reports: Path, run_id: str, ms: float = 100.0, **changes: Any) -> VerifiedRun:
    """Write a run's folder and read it."""
    return read_run(written(reports, run_id, ms, **changes))


def a_side(reports: Path, name: str, *ms: float, **changes: Any) -> Side:
    """Make a side with a run for each 99th percentile, in ms."""
    runs = (
        a_run(reports, f"{name}-{place}", latency_ms, **changes)
        for place, latency_ms in enumerate(ms, 1)
    )
    return Side(name, tuple(runs))
