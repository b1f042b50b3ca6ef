"""Exports the metrics of a run while it goes on, and its verdict and its trace at the end."""

import contextlib
import time
from collections.abc import Iterator, Mapping

from headcount.console import Console
from headcount.run.folder import RunFolder
from headcount.telemetry.export.exporter_process import ExporterProcess, ExportRequest
from headcount.telemetry.export.trace_source import StepsFile
from headcount.telemetry.run_steps import RunStep


@contextlib.contextmanager
def exporting(
    folder: RunFolder, request: ExportRequest, environ: Mapping[str, str], console: Console
) -> Iterator[None]:
    """Export metrics and trace of the run that the block carries out, if `request` asks for it.

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
        if request.sends_trace:
            _write_steps(folder, console)
        what = "last metrics" if request.exports_metrics else "trace"
        with console.step(f"Sending the {what}"):
            exporter.finish()
        if problem := exporter.new_problem():
            console.error(problem)


def _write_steps(folder: RunFolder, console: Console) -> None:
    try:
        StepsFile.of(folder).write(ended_steps(console))
    except OSError as error:
        console.error(f"the trace lacks the steps of the run: {error}")


def ended_steps(console: Console) -> tuple[RunStep, ...]:
    """Return the steps that have ended, in Unix time."""
    epoch_s = time.time() - time.monotonic()
    return tuple(
        RunStep(
            step.title,
            int((epoch_s + step.started_s) * 1e9),
            int((epoch_s + step.ended_s) * 1e9),
            step.has_failed,
        )
        for step in console.steps
        if step.ended_s is not None
    )
