"""The export of a run by `headcount run`: what it adds to what the exporter knows."""

import contextlib
import io
import os
from pathlib import Path

import rich.console

from headcount.cli.metrics_export import exporting
from headcount.console import Console
from headcount.errors import PartError
from headcount.run.folder import RunFolder
from headcount.telemetry.export.exporter_process import export_request
from tests.headcount.telemetry.export.receivers import http_receiver
from tests.manifests import MANIFEST

DEADLINE_S = 60.0


def test_the_steps_of_a_run_are_in_its_trace(tmp_path: Path) -> None:
    """Those that the terminal shows, also if one of them fails."""
    folder = RunFolder(tmp_path / "run-1")
    folder.create()
    folder.write_manifest(MANIFEST)
    console = Console(err=rich.console.Console(file=io.StringIO()), quiet=True)
    with http_receiver() as received:
        environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": received.address}
        request = export_request("", "", environ)
        with (
            contextlib.suppress(PartError),
            exporting(folder, request, {**os.environ, **environ}, console),
        ):
            with console.step("Starting the service"):
                assert received.arrived.wait(DEADLINE_S)
            with console.step("Load: 20 users on http://localhost"):
                raise PartError("it has died")
    run, *steps = received.spans
    assert [(step.name, step.status.message) for step in steps] == [
        ("Starting the service", ""),
        ("Load", "failed"),
    ]
    assert {step.parent_span_id for step in steps} == {run.span_id}
    assert all(step.start_time_unix_nano <= step.end_time_unix_nano for step in steps)
