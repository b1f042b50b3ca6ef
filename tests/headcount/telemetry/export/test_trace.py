"""The trace of a run: what a receiver of OpenTelemetry's protocol gets of its folder."""

import csv
import json
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from headcount.run.folder import RunFolder
from headcount.run.id_form import IdForm
from headcount.run.ids import new_tag
from headcount.run.manifest import Manifest
from headcount.stack.ports import LOOPBACK, free_port
from headcount.telemetry.export.export_settings import Signal, otlp_receiver
from headcount.telemetry.export.exporter_process import export_request
from headcount.telemetry.export.trace_sender import TraceSender
from headcount.telemetry.export.trace_source import StepsFile, spans_of
from headcount.telemetry.run_steps import RunStep
from tests.headcount.telemetry.export.receivers import (
    ReceivedMetrics,
    grpc_receiver,
    http_receiver,
)
from tests.headcount.telemetry.sample import verdict_document
from tests.headcount.telemetry.test_run_trace import exception
from tests.manifests import MANIFEST

PIPELINE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
JUDGED_NS = 1_800_000_000_000_000_000
SECRET = "very-secret"  # noqa: S105 - not a real secret


@pytest.fixture
def manifest() -> Manifest:
    """A run whose ids are trace-ids."""
    return replace(MANIFEST, id_form=IdForm.TRACE, id_header="traceparent", tag=new_tag())


@pytest.fixture
def run(tmp_path: Path, manifest: Manifest) -> RunFolder:
    """A run that is judged, and has lost an event."""
    folder = RunFolder(tmp_path / "run-1")
    folder.create()
    folder.write_manifest(manifest)
    StepsFile.of(folder).write((RunStep("Load: 20 users", 5 * 10**9, 9 * 10**9),))
    row = exception(manifest.ids.text(0, 7))
    with (folder.path / "exceptions.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        writer.writeheader()
        writer.writerow(row)
    verdict = folder.path / "verdict.json"
    verdict.write_text(json.dumps(verdict_document()))
    os.utime(verdict, ns=(JUDGED_NS, JUDGED_NS))
    return folder


def sent(run: RunFolder, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Send the trace of a run, as the exporter does, and return the problems."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    request = export_request("", "", environ)
    assert (request.problem, request.exports_metrics, request.sends_trace) == ("", False, True)
    assert request.needs_process
    assert not request.needs_totals
    receiver = otlp_receiver(environ, Signal.TRACES)
    assert receiver is not None
    problems: list[str] = []
    sender = TraceSender(receiver, lambda: spans_of(run, environ), problems.append)
    sender.begin_finish()
    sender.finish()
    return problems


@pytest.mark.parametrize(
    ("receiver", "protocol"), [(http_receiver, "http/protobuf"), (grpc_receiver, "grpc")]
)
def test_a_receiver_gets_the_trace(
    run: RunFolder,
    manifest: Manifest,
    receiver: Callable[[], AbstractContextManager[ReceivedMetrics]],
    protocol: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The run within the pipeline's trace, its steps, and the lost request in its own trace."""
    with receiver() as received:
        environ = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": received.address,
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
            "OTEL_METRICS_EXPORTER": "none",
            "TRACEPARENT": PIPELINE,
        }
        assert sent(run, environ, monkeypatch) == []
        root, load, lost = received.spans
    assert received.requests == []
    _, trace_id, parent_id, _ = PIPELINE.split("-")
    assert (root.name, root.trace_id.hex(), root.parent_span_id.hex()) == (
        "headcount run",
        trace_id,
        parent_id,
    )
    assert root.end_time_unix_nano == JUDGED_NS
    assert (load.name, load.trace_id, load.parent_span_id) == ("Load", root.trace_id, root.span_id)
    assert load.end_time_unix_nano - load.start_time_unix_nano == 4 * 10**9
    event_id = manifest.ids.text(0, 7)
    assert (lost.trace_id.hex(), lost.span_id.hex()) == (event_id, event_id[16:])
    assert lost.parent_span_id == b""
    assert [(link.trace_id, link.span_id) for link in lost.links] == [(root.trace_id, root.span_id)]
    assert (lost.name, lost.status.message) == (
        "headcount: lost",
        "lost: acknowledged, not in topic",
    )


def test_a_receiver_that_is_gone_is_one_line(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names the trace, and no secret."""
    environ = {
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"http://{LOOPBACK}:{free_port()}/?key={SECRET}",
        "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "1",
    }
    (problem,) = sent(run, environ, monkeypatch)
    assert problem.startswith(f"the trace cannot be sent to http://{LOOPBACK}:")
    assert SECRET not in problem
