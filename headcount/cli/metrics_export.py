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
    """Export the metrics of the run that the block carries out, if `request` asks for it.

    A receiver that is slow or gone only adds a line of output, and a few seconds at the end of the
    run. It does not change what the block returns or raises.
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
