"""Live totals: the sums of all generators' reports."""

from headcount.monitor.progress import Ended, Progress
from headcount.telemetry.live_totals import (
    EndedRequests,
    LiveTotals,
    RunTotals,
    dump_totals,
    load_totals,
)
from tests.headcount.duration_counts import counts_of
from tests.headcount.telemetry.sample import TOTALS


def test_reports_of_all_generators_add_up() -> None:
    """Requests and durations over time and generators; the latest of what is not a sum."""
    totals = RunTotals()
    sword = {"sword": counts_of([10_000])}
    first = Progress(
        *(0, {"sword": 3}, (Ended(1, "sword", "acked", "", 1),)),
        http=sword,
        from_intended=sword,
        lag_ms=90.0,
        dropped=1,
    )
    totals.receive(first)
    totals.receive(Progress(1, {"sword": 2}, (), lag_ms=20.0, dropped=4))
    ended = Ended(2, "sword", "acked", "", 2), Ended(2, "sword", "failed", "503", 1)
    totals.receive(Progress(0, {"sword": 4}, ended, http=sword, lag_ms=10.0, dropped=2))
    result = totals.totals(5, 1)
    assert result.requests == (
        EndedRequests("sword", "acked", "2xx", 3),
        EndedRequests("sword", "failed", "5xx", 1),
    )
    assert (result.http["sword"].count, result.from_intended["sword"].count) == (2, 1)
    assert result.in_flight == {"sword": 2}
    assert (result.schedule_lag_s, result.dropped) == (0.02, 6)
    assert (result.behind, result.missing) == (5, 1)


def test_the_class_of_a_status() -> None:
    """Also of an acknowledgement by a rule; an error without a response has no class."""
    ended = (
        Ended(1, "sword", "acked", "", 1),
        Ended(1, "sword", "acked", "409", 1),
        Ended(1, "sword", "failed", "404", 1),
        Ended(1, "sword", "indeterminate", "TimeoutError", 1),
    )
    totals = RunTotals()
    totals.receive(Progress(0, {"sword": 4}, ended))
    classes = {(ended.outcome, ended.status_class) for ended in totals.totals(None, None).requests}
    assert {("acked", "2xx"), ("acked", "4xx"), ("failed", "4xx")} < classes
    assert ("indeterminate", "none") in classes


def test_a_file_that_is_half_written_is_no_state() -> None:
    """What was written whole is read back; a part of it is not."""
    content = dump_totals(TOTALS)
    assert load_totals(content) == TOTALS
    assert load_totals(content[:-5]) is None
    assert load_totals(b"{}") == LiveTotals()
