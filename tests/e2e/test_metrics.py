"""The metrics of a real run: a real Prometheus scrapes it, and another receiver hangs."""

import re
from pathlib import Path

import pytest

from headcount.stack.ports import LOOPBACK, free_port
from headcount.telemetry.export.otlp_delivery import FINISH_S
from headcount.telemetry.exported_metrics import CLASSES, FLAGS
from headcount.telemetry.run_points import UNREPORTED
from tests.e2e.command import a_counted_run, headcount
from tests.headcount.telemetry.export.receivers import (
    TRACES_PATH,
    hanging_receiver,
    http_receiver,
)
from tests.prometheus import prometheus

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

OUTCOMES = ("acked", "failed", "indeterminate")
SCRAPE_S = 5.0
"""More than Prometheus' interval and the time that a scrape takes on a busy machine."""


def test_prometheus_has_the_sums_of_the_verdict(tmp_path: Path) -> None:
    """Of two generators, to the last request; a receiver that hangs costs one line.

    Another receiver gets the trace of the run.

    Exit code and verdict are what they would be without, and the end waits a few seconds at most.
    """
    reports, port = tmp_path / "reports", free_port()
    options = ("--processes", "2", "--metrics-port", str(port), "--reports-dir", str(reports))
    with (
        prometheus(tmp_path / "prometheus", f"{LOOPBACK}:{port}") as server,
        hanging_receiver() as receiver,
        http_receiver() as tracing,
    ):
        arguments = a_counted_run(*options)
        run = headcount(
            reports,
            *arguments,
            OTEL_EXPORTER_OTLP_ENDPOINT=receiver.address,
            OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=tracing.address + TRACES_PATH,
        )
        assert run.code == 0, run.err
        counts = run.verdict["counts"]
        assert counts["acked"] > 0
        requests = server.sums("headcount_requests_total", "outcome")
        assert requests == {key: counts[key] for key in requests}
        assert sum(requests.values()) == counts["attempted"]
        of_types = {
            name: counted["attempted"] for name, counted in run.verdict["by_event_type"].items()
        }
        assert server.sums("headcount_requests_total", "event_type") == of_types
        assert server.sums("headcount_events", "class") == {key: counts[key] for key in CLASSES}
        assert server.sums("headcount_events_flagged", "flag") == {k: counts[k] for k in FLAGS}
        assert server.sums("headcount_verdict", "verdict")["pass"] == 1
        statuses = server.sums("headcount_requests_total", "status_class")
        assert UNREPORTED not in statuses, "the last report of a generator is missing"
        durations = server.sums("headcount_request_duration_seconds_count", "event_type")
        assert durations == of_types
        assert server.sums("target_info", "headcount_run_id") == {"run-1": 1}
        address = receiver.address
    of_run, *steps = tracing.spans
    assert of_run.name == "headcount run"
    assert {"Load", "Reconciling the ledger with the topic"} <= {step.name for step in steps}
    assert run.err.count(f"the metrics cannot be sent to {address}: ") == 1
    (lasted,) = re.findall(r"Sending the last metrics \.\.\. done in ([\d.]+) s", run.err)
    assert float(lasted) < FINISH_S + SCRAPE_S
