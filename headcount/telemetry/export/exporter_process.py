"""The exporter's process: started for a run, and finished once the run is judged."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from headcount.errors import UsageError
from headcount.run.folder import RunFolder
from headcount.stack.ports import is_free
from headcount.stack.process import Process
from headcount.telemetry.export.export_settings import (
    ListenAddress,
    Signal,
    linger_s,
    listen_address,
    otlp_receiver,
)
from headcount.telemetry.export.exporter import PROBLEM
from headcount.telemetry.export.run_source import TotalsFile

STOP_S = 15.0
"""How long the exporter may take to end, beyond its wait for the last scrape."""


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What a run must export.

    `is_by_parent` says that the exporter of metrics belongs to the process that started this one,
    and `has_page` that the web UI has a page of metrics. `problem` says why metrics or the trace
    are not sent over OTLP although the environment asks for it.
    """

    address: ListenAddress | None = None
    linger_s: float = 0.0
    sends_metrics: bool = False
    sends_trace: bool = False
    is_by_parent: bool = False
    has_page: bool = False
    problem: str = ""

    @property
    def needs_process(self) -> bool:
        """Whether this process must start an exporter."""
        return self.exports_metrics or self.sends_trace

    @property
    def exports_metrics(self) -> bool:
        """Whether the exporter that this process starts exports metrics."""
        return self.address is not None or self.sends_metrics

    @property
    def needs_totals(self) -> bool:
        """Whether an exporter reads the totals."""
        return self.exports_metrics or self.is_by_parent

    @property
    def is_read(self) -> bool:
        """Whether anyone may read the metrics."""
        return self.needs_totals or self.has_page


NOTHING_EXPORTED = ExportRequest()


def export_request(metrics_port: str, linger: str, environ: Mapping[str, str]) -> ExportRequest:
    """Return what options and variables ask for. UsageError if an option is invalid.

    An invalid variable of OpenTelemetry, or a missing package for OTLP, does not end the run, since
    other programs read the same variables. The `problem` of the result says what is wrong.
    """
    address, lingers_s = listen_address(metrics_port), linger_s(linger)
    if address is not None and not is_available(address):
        raise UsageError(f"--metrics-port {address} is in use: choose another")
    is_sent, problem = dict.fromkeys(Signal, False), ""
    for signal in Signal:
        try:
            is_sent[signal] = otlp_receiver(environ, signal) is not None
        except UsageError as error:
            problem = problem or str(error)
    return ExportRequest(
        *(address, lingers_s, is_sent[Signal.METRICS], is_sent[Signal.TRACES]), problem=problem
    )


def is_available(address: ListenAddress) -> bool:
    """Return whether the endpoint could listen there now; an IPv6 address is not checked."""
    return ":" in address.host or is_free(address.port, address.host)


class ExporterProcess:
    """The process that exports a run's metrics and trace until `finish`; it dies with this one."""

    def __init__(
        self, folder: RunFolder, request: ExportRequest, environ: Mapping[str, str] = os.environ
    ) -> None:
        self._linger_s = request.linger_s if request.address else 0.0
        self._file = TotalsFile.of(folder)
        argv = [sys.executable, "-m", "headcount.telemetry.export.exporter", str(folder.path)]
        if request.address is not None:
            argv += ["--listen", str(request.address), "--linger", str(self._linger_s)]
        if not request.sends_trace:
            environ = {**environ, f"OTEL_{Signal.TRACES}_EXPORTER": "none"}
        log_path = folder.logs / "metrics.log"
        self._process = Process("the exporter", argv, log_path=log_path, environ=environ)
        self._is_reported = self._is_finished = False

    def new_problem(self) -> str:
        """Return the exporter's first problem, but only once; otherwise an empty text."""
        if self._is_reported:
            return ""
        code = self._process.returncode
        try:
            lines = self._process.log_path.read_text("utf-8", "replace").splitlines()
        except OSError:
            lines = []
        problems = [line.removeprefix(PROBLEM) for line in lines if line.startswith(PROBLEM)]
        if code and not problems and not self._is_finished:
            problems = [f"the exporter has died: {self._process.log_summary}"]
        self._is_reported = bool(problems)
        return problems[0] if problems else ""

    def finish(self) -> None:
        """Let the exporter send the last point, then end it. Idempotent."""
        self._is_finished = True
        self._process.stop(self._linger_s + STOP_S)
        self._file.remove()
