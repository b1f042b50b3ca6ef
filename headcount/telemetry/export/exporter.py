"""The exporter: a process that sends a run's metrics while it goes on, and its verdict at the end.

    python -m headcount.telemetry.export.exporter reports/my-run --listen 127.0.0.1:9464

It reads the run's folder, where the monitor writes the totals once a second. So a receiver that is
slow or gone costs the generator nothing. When it is terminated, it sends the last point and the
trace of the run, waits for the last scrape, and ends. A problem is one line of its output.
"""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from headcount.errors import HeadcountError
from headcount.run.folder import RunFolder
from headcount.telemetry.export.export_settings import (
    ListenAddress,
    Signal,
    listen_address,
    otlp_receiver,
)
from headcount.telemetry.export.run_source import RunSource, TotalsFile

if TYPE_CHECKING:
    from headcount.telemetry.export.metrics_endpoint import MetricsEndpoint
    from headcount.telemetry.export.otlp_sender import OtlpSender
    from headcount.telemetry.export.prometheus_page import PrometheusPage
    from headcount.telemetry.export.trace_sender import TraceSender

NICENESS = 10
PROBLEM = "headcount: "
"""The beginning of the lines that are for the user; libraries may write other lines."""


def main() -> None:
    """Export until the process is terminated."""
    is_over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: is_over.set())
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--listen", default="")
    parser.add_argument("--linger", type=float, default=0.0)
    arguments = parser.parse_args()
    os.nice(NICENESS)
    folder = RunFolder(arguments.folder)
    source = RunSource(folder, os.environ, TotalsFile.of(folder).read)
    try:
        address = listen_address(arguments.listen)
        endpoint = None if address is None else _endpoint(address, source)
        senders = list(_senders(folder, source))
    except HeadcountError as error:
        sys.exit(f"{PROBLEM}{error}")
    is_over.wait()
    for sender in senders:
        sender.begin_finish()
    for sender in senders:
        sender.finish()
    if endpoint is not None:
        moment = source.moment()
        if moment is not None and moment.has_verdict:
            endpoint.await_last_scrape(arguments.linger)
        endpoint.close()
    sys.stdout.flush()
    os._exit(0)  # threads of a library may still wait for a receiver


def _endpoint(address: ListenAddress, source: RunSource) -> "MetricsEndpoint":
    from headcount.telemetry.export.metrics_endpoint import (  # noqa: PLC0415 - each loads a library
        MetricsEndpoint,
    )
    from headcount.telemetry.export.prometheus_page import prometheus_page  # noqa: PLC0415 - as above

    def make_page(accept: str) -> "tuple[PrometheusPage, bool]":
        moment = source.moment()
        if moment is None:
            return prometheus_page((), {}, accept), False
        return prometheus_page(moment.points, moment.resource, accept), moment.has_verdict

    return MetricsEndpoint(address, make_page)


def _senders(folder: RunFolder, source: RunSource) -> "Iterator[OtlpSender | TraceSender]":
    problem = _ProblemLine()
    metrics, traces = (otlp_receiver(os.environ, sent) for sent in Signal)
    if metrics is not None:
        from headcount.telemetry.export.otlp_sender import (  # noqa: PLC0415 - it loads slowly
            OtlpSender,
        )

        yield OtlpSender(metrics, source.moment, problem.write)
    if traces is not None:
        from headcount.telemetry.export.trace_sender import (  # noqa: PLC0415 - it loads slowly
            TraceSender,
        )
        from headcount.telemetry.export.trace_source import spans_of  # noqa: PLC0415 - as above

        yield TraceSender(traces, lambda: spans_of(folder, os.environ), problem.write)


class _ProblemLine:
    """Writes the first problem of all senders."""

    def __init__(self) -> None:
        self._first = threading.Lock()

    def write(self, text: str) -> None:
        """Write a line, unless there is one."""
        if self._first.acquire(blocking=False):
            sys.stdout.write(f"{PROBLEM}{text}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
