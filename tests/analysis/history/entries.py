"""Literal entries of a history, one run an hour."""

from datetime import UTC, datetime, timedelta
from typing import Any

from headcount_analysis.history.entry import HistoryEntry

from headcount.run.verdict import Label
from tests.analysis.compare_runs.sample import counts

FIRST = datetime(2026, 11, 1, tzinfo=UTC)
JUDGED = ("corrupted", "duplicated", "garbled", "ghost", "lost", "phantom")


def an_entry(number: int, p99_ms: float = 100.0, **changes: Any) -> HistoryEntry:
    """Return the run of hour `number`; `lost` and `rps` are its figures, `changes` other fields."""
    lost, rps = changes.pop("lost", 0), changes.pop("rps", 50.0)
    fields: dict[str, Any] = {
        "run_id": f"run-{number:04d}",
        "created_at": FIRST + timedelta(hours=number),
        "scenario": "mixed.py",
        "target": "http://127.0.0.1:8000 → events",
        "load": "20 users for 30 s",
        "conditions": "c",
        "label": Label.FAIL if lost else Label.PASS,
        "broken": (f"{lost} lost, 0 allowed",) if lost else (),
        "counts": counts(lost=lost),
        "judged": JUDGED,
        "figures": {"rps": rps, "http.p50": p99_ms / 5, "http.p99": p99_ms},
        "version": "0.1.0",
        **changes,
    }
    return HistoryEntry(**fields)


def noisy(number: int) -> float:
    """Return a p99 of about 100 ms that differs from run to run by a few percent."""
    return 100.0 + (number * 7) % 11 - 5
