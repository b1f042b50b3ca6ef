"""Run metrics: adds up a run's progress in the master, for the web UI's page and the exporter."""

import argparse
import logging
import os
from collections.abc import Mapping
from dataclasses import replace

from headcount.monitor.live_stats import LiveStats
from headcount.monitor.progress import Progress
from headcount.run.folder import RunFolder
from headcount.run.manifest import JUDGED_BY_PARENT
from headcount.telemetry.export.export_settings import why_no_endpoint
from headcount.telemetry.export.exporter_process import (
    NOTHING_EXPORTED,
    ExporterProcess,
    ExportRequest,
    export_request,
)
from headcount.telemetry.export.run_source import RunMoment, RunSource, TotalsFile
from headcount.telemetry.live_totals import LiveTotals, RunTotals

_NO_LINGER = "0s"
_log = logging.getLogger(__name__)


class RunMetrics:
    """The metrics of one run.

    If `request` asks for it, each update writes the totals to the run's folder, and an exporter
    that reads them is started.
    """

    def __init__(self, folder: RunFolder, stats: LiveStats, request: ExportRequest) -> None:
        self._stats, self._totals = stats, RunTotals()
        self._source = RunSource(folder, os.environ, self._current)
        self._file = TotalsFile.of(folder) if request.needs_totals else None
        self._exporter = ExporterProcess(folder, request) if request.needs_process else None
        if request.problem:
            _log.warning("headcount: %s", request.problem)

    def receive(self, progress: Progress) -> None:
        """Add a generator's report."""
        self._totals.receive(progress)

    def moment(self) -> RunMoment | None:
        """Return the values of all metrics as of now."""
        return self._source.moment()

    def update(self) -> None:
        """Write the totals for the exporter, and log the exporter's problem, if there is one."""
        if self._file is not None:
            try:
                self._file.write(self._current())
            except OSError as error:
                _log.warning("headcount: the metrics cannot be exported: %s", error)
                self._file = None
        self._log_problem()

    def finish(self) -> None:
        """End the exporter, once it has sent the last values. Idempotent."""
        if self._exporter is not None:
            self._exporter.finish()
            self._log_problem()

    def _current(self) -> LiveTotals:
        behind = self._stats.behind
        return self._totals.totals(behind, None if behind is None else self._stats.missing)

    def _log_problem(self) -> None:
        if self._exporter is not None and (problem := self._exporter.new_problem()):
            _log.warning("headcount: %s", problem)


def request_of(
    options: argparse.Namespace, environ: Mapping[str, str], *, has_web_ui: bool
) -> ExportRequest:
    """Return what this process must export. UsageError if an option is not valid."""
    if options.probe_requests:
        return NOTHING_EXPORTED
    if JUDGED_BY_PARENT in environ:
        return ExportRequest(is_by_parent=bool(options.metrics_by_parent))
    # In a web UI, the endpoint stays until the next test begins.
    linger = _NO_LINGER if has_web_ui else options.metrics_linger
    request = export_request(options.metrics_port, linger, environ)
    # A trace is meant to show the verdict. Without a web UI, a run usually has none (only
    # --verify makes one), so no trace is sent.
    return replace(
        request,
        has_page=has_web_ui and not why_no_endpoint(),
        sends_trace=request.sends_trace and has_web_ui,
    )
