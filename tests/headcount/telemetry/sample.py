"""The totals and the verdict of a run that no test has made."""

from typing import Any

from headcount.run.verdict import StoredVerdict, Verdict
from headcount.telemetry.live_totals import EndedRequests, LiveTotals
from tests.headcount.duration_counts import counts_of

EVENT_TYPE = "order"
COUNTS = {
    "attempted": 12,
    "acked": 9,
    "failed": 2,
    "indeterminate": 1,
    "delivered": 7,
    "lost": 2,
    "refused": 2,
    "absent": 1,
    "corrupted": 1,
}


TOTALS = LiveTotals(
    requests=(
        EndedRequests(EVENT_TYPE, "acked", "2xx", 8),
        EndedRequests(EVENT_TYPE, "failed", "4xx", 2),
        EndedRequests(EVENT_TYPE, "indeterminate", "none", 1),
    ),
    http={EVENT_TYPE: counts_of([4_000] * 6 + [200_000] * 5)},
    from_intended={EVENT_TYPE: counts_of([4_000] * 6 + [400_000] * 5)},
    in_flight={EVENT_TYPE: 1},
    schedule_lag_s=0.25,
    dropped=3,
    behind=2,
    missing=1,
)
"""A run of twelve requests, one of which its generator has not reported."""

VERDICT = StoredVerdict(
    run_id="run-1", verdict=Verdict.FAIL, counts=COUNTS, by_event_type={EVENT_TYPE: COUNTS}
)


def verdict_document(**more: Any) -> dict[str, Any]:
    """Return the verdict as verdict.json has it, with other or more fields."""
    by_event_type = {EVENT_TYPE: COUNTS}
    return {
        "run_id": "run-1",
        "verdict": "fail",
        "counts": COUNTS,
        "by_event_type": by_event_type,
        **more,
    }
