"""The exporter: a process that sends the last point of a run, whatever the receiver does."""

import json
import os
import time
import urllib.request
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from headcount.errors import UsageError
from headcount.run.folder import RunFolder
from headcount.stack.ports import LOOPBACK, free_port
from headcount.stack.process import wait_until
from headcount.telemetry.export.exporter_process import (
    STOP_S,
    ExporterProcess,
    ExportRequest,
    export_request,
)
from headcount.telemetry.export.otlp_delivery import FINISH_S
from headcount.telemetry.export.run_source import TotalsFile
from tests.headcount.telemetry.export.receivers import (
    ReceivedMetrics,
    grpc_receiver,
    hanging_receiver,
    http_receiver,
)
from tests.headcount.telemetry.sample import COUNTS, TOTALS, verdict_document
from tests.manifests import MANIFEST

DEADLINE_S = 60.0
SECRET = "very-secret"  # noqa: S105 - not a real secret


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A run that goes on."""
    folder = RunFolder(tmp_path / "run-1")
    folder.create()
    folder.write_manifest(MANIFEST)
    TotalsFile.of(folder).write(TOTALS)
    return folder


def exporter_to(run: RunFolder, address: str, **more: str) -> ExporterProcess:
    """Start an exporter to a receiver."""
    environ = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": address,
        "OTEL_EXPORTER_OTLP_HEADERS": f"authorization={SECRET}",
        "OTEL_METRIC_EXPORT_INTERVAL": "200",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
        **more,
    }
    request = export_request("", "", environ)
    assert request.problem == ""
    return ExporterProcess(run, request, {**os.environ, **environ})


@pytest.mark.parametrize(
    ("receiver", "protocol"), [(http_receiver, "http/protobuf"), (grpc_receiver, "grpc")]
)
def test_the_verdict_is_the_last_point(
    run: RunFolder,
    receiver: Callable[[], AbstractContextManager[ReceivedMetrics]],
    protocol: str,
) -> None:
    """A receiver gets the run while it goes on, last what verdict.json says, and a trace."""
    with receiver() as received:
        exporter = exporter_to(run, received.address, OTEL_EXPORTER_OTLP_PROTOCOL=protocol)
        assert received.arrived.wait(DEADLINE_S)
        assert received.numbers("headcount.requests", "outcome")["acked"] == 8
        assert "headcount.verdict" not in received.metrics
        (run.path / "verdict.json").write_text(json.dumps(verdict_document()))
        exporter.finish()
        assert received.numbers("headcount.requests", "outcome") == {
            key: COUNTS[key] for key in ("acked", "failed", "indeterminate")
        }
        assert received.numbers("headcount.events", "class")["lost"] == COUNTS["lost"]
        assert received.numbers("headcount.verdict", "verdict")["fail"] == 1
        assert received.resource["headcount.run.id"] == "run-1"
        assert [span.name for span in received.spans] == ["headcount run"]
        sent = {name.lower(): value for name, value in received.headers[-1].items()}
        assert sent["authorization"] == SECRET
    assert exporter.new_problem() == ""
    assert not TotalsFile.of(run).path.exists()


def test_a_receiver_that_is_gone_is_reported_once(run: RunFolder) -> None:
    """In one line, without secrets; the exporter goes on until it is finished."""
    nowhere = f"http://{LOOPBACK}:{free_port()}/?key=hidden"
    exporter = exporter_to(run, nowhere, OTEL_EXPORTER_OTLP_TIMEOUT="3")
    log = run.logs / "metrics.log"
    wait_until(lambda: "cannot be sent" in log.read_text(), DEADLINE_S, "it is reported")
    problem = exporter.new_problem()
    began_s = time.monotonic()
    exporter.finish()
    assert time.monotonic() - began_s < STOP_S
    assert exporter.new_problem() == ""
    assert problem.startswith(f"the metrics cannot be sent to http://{LOOPBACK}:")
    assert "refused" in problem
    text = log.read_text()
    assert text.count("cannot be sent") == 1
    assert SECRET not in text
    assert "hidden" not in text


def test_a_receiver_that_refuses_is_reported(run: RunFolder) -> None:
    """With the status of its answer."""
    with http_receiver(status=401) as received:
        exporter = exporter_to(run, received.address)
        assert received.arrived.wait(DEADLINE_S)
        exporter.finish()
    assert "401" in exporter.new_problem()


def test_a_receiver_that_hangs_delays_nothing(run: RunFolder) -> None:
    """The exporter ends within a few seconds, and says why it has sent nothing."""
    with hanging_receiver() as receiver:
        exporter = exporter_to(run, receiver.address, OTEL_EXPORTER_OTLP_TIMEOUT="30")
        receiver.await_connection(DEADLINE_S)
        began_s = time.monotonic()
        exporter.finish()
        assert time.monotonic() - began_s < FINISH_S + STOP_S
    assert "no answer within 3 s" in exporter.new_problem()


def test_the_endpoint_serves_until_the_run_is_over(run: RunFolder) -> None:
    """A scrape during the run and one after the verdict; then the process ends at once."""
    port = free_port()
    request = export_request(str(port), "1m", {})
    exporter = ExporterProcess(run, request)

    def scrape() -> str:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/metrics", timeout=9) as response:
            return str(response.read(), "utf-8")

    def is_there() -> bool:
        try:
            return "headcount_requests_total" in scrape()
        except OSError:
            return False

    wait_until(is_there, DEADLINE_S, "the endpoint answers")
    (run.path / "verdict.json").write_text(json.dumps(verdict_document()))
    assert 'headcount_verdict{verdict="fail"} 1.0' in scrape()
    began_s = time.monotonic()
    exporter.finish()
    assert time.monotonic() - began_s < DEADLINE_S / 2


def test_mistakes_before_the_run() -> None:
    """A used port is refused; a mistaken variable, which other programs read too, is a problem."""
    with http_receiver() as received:
        port = received.address.rpartition(":")[2]
        with pytest.raises(UsageError, match=f"--metrics-port 127.0.0.1:{port} is in use"):
            export_request(port, "", {})
    environ = {"OTEL_METRICS_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}
    request = export_request("", "", environ)
    assert "must be http/protobuf or grpc" in request.problem
    assert not request.needs_process
    assert export_request("", "", {}) == ExportRequest(linger_s=request.linger_s)
