"""Exports the metrics of a run while it goes on, and its verdict at the end."""

import contextlib
from collections.abc import Iterator, Mapping

from headcount.console import Console
from headcount.run.folder import RunFolder
from headcount.telemetry.export.exporter_process import ExporterProcess, ExportRequest


@contextlib.contextmanager
def exporting(
    folder: RunFolder, request: ExportRequest, environ: Mapping[str, str], console: Console
) -> Iterator[None]:
    """Export the metrics of the run of the block, if `request` says so.

    A receiver that is slow or gone changes nothing but one line: what the block raises or returns
    is kept, and the end of the run waits a few seconds at most.
    """
    if request.problem:
        console.error(request.problem)
    if not request.needs_process:
        yield
        return
    exporter = ExporterProcess(folder, request, environ)
    try:
        yield
    finally:
        with console.step("Sending the last metrics"):
            exporter.finish()
        if problem := exporter.new_problem():
            console.error(problem)
