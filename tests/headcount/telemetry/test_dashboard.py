"""The dashboard: each of its queries, asked of a real Prometheus that scrapes a real exporter."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from headcount.run.folder import RunFolder
from headcount.stack.ports import free_port
from headcount.stack.process import wait_until
from headcount.telemetry.export.exporter_process import ExporterProcess, export_request
from headcount.telemetry.export.run_source import TotalsFile
from headcount.telemetry.live_totals import EndedRequests, LiveTotals
from tests.headcount.duration_counts import counts_of
from tests.headcount.telemetry.sample import EVENT_TYPE, TOTALS, verdict_document
from tests.headcount.telemetry.test_exported_metrics import DASHBOARD
from tests.manifests import MANIFEST
from tests.prometheus import DEADLINE_S, Prometheus, prometheus

LATER = LiveTotals(
    requests=(
        EndedRequests(EVENT_TYPE, "acked", "2xx", 80),
        EndedRequests(EVENT_TYPE, "failed", "4xx", 20),
        EndedRequests(EVENT_TYPE, "indeterminate", "none", 10),
    ),
    http={EVENT_TYPE: counts_of([4_000] * 60 + [200_000] * 50)},
    from_intended={EVENT_TYPE: counts_of([4_000] * 60 + [400_000] * 50)},
    dropped=30,
)
"""The totals of the same run some time later."""


@dataclass
class ScrapedRun:
    """A run that Prometheus scrapes."""

    folder: RunFolder
    server: Prometheus

    def await_result(self, expression: str) -> None:
        """Wait until a query has a result."""
        wait_until(lambda: bool(self.server.query(expression)), DEADLINE_S, expression)

    def judge(self) -> None:
        """Let the run have more requests, and then a verdict."""
        TotalsFile.of(self.folder).write(LATER)
        self.await_result("headcount_requests_total > 79")
        (self.folder.path / "verdict.json").write_text(json.dumps(verdict_document()))
        self.await_result("headcount_verdict")


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScrapedRun]:
    """A run that goes on, until a test judges it."""
    tmp_path = tmp_path_factory.mktemp("dashboard")
    folder = RunFolder(tmp_path / "run-1")
    folder.create()
    folder.write_manifest(MANIFEST)
    TotalsFile.of(folder).write(TOTALS)
    port = free_port()
    exporter = ExporterProcess(folder, export_request(str(port), "0s", {}))
    try:
        with prometheus(tmp_path / "prometheus", f"127.0.0.1:{port}") as server:
            yield ScrapedRun(folder, server)
    finally:
        exporter.finish()


def queries() -> dict[str, list[str]]:
    """Return the queries by panel, with the variables filled in."""
    panels = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    return {
        panel["title"]: [
            target["expr"].replace("$run", "run-1").replace("$__rate_interval", "1m")
            for target in panel["targets"]
        ]
        for panel in panels
    }


def without_result(server: Prometheus) -> set[str]:
    """Return the queries that have no number as their result."""
    return {
        query
        for of_panel in queries().values()
        for query in of_panel
        if not any(not math.isnan(sample.value) for sample in server.query(query))
    }


def test_every_query_has_a_result(scraped: ScrapedRun) -> None:
    """While the run goes on or once it is judged; what is shown then is right."""
    scraped.await_result("headcount_requests_total")
    missing = without_result(scraped.server)
    scraped.judge()
    assert missing & without_result(scraped.server) == set()
    shown = {title: scraped.server.query(of_panel[0]) for title, of_panel in queries().items()}
    (verdict,) = shown["Verdict"]
    assert (verdict.labels["verdict"], verdict.value) == ("fail", 1)
    assert [series.value for series in shown["Exit code"]] == [1]
    of_outcomes = shown["Requests per second, by outcome"]
    rates = {series.labels["outcome"]: series.value for series in of_outcomes}
    assert rates["acked"] == pytest.approx(4 * rates["failed"], rel=0.2)
    assert [0.0025 <= series.value <= 0.005 for series in shown["Response time"]] == [True]


def test_another_run_is_not_shown(scraped: ScrapedRun) -> None:
    """A query for one run has no result from another one's points."""
    scraped.await_result("headcount_requests_total")
    for of_panel in queries().values():
        for query in of_panel:
            assert scraped.server.query(query.replace("run-1", "run-2")) == []
