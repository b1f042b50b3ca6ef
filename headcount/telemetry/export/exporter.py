"""The exporter: a process that sends a run's metrics while it goes on, and its verdict at the end.

    python -m headcount.telemetry.export.exporter reports/my-run --listen 127.0.0.1:9464

It reads the run's folder, where the monitor writes the totals once a second. So a receiver that is
slow or gone costs the generator nothing. When it is terminated, it sends the last point, waits for
the last scrape, and ends. A problem is one line of its output.
"""

import argparse
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from headcount.errors import HeadcountError
from headcount.run.folder import RunFolder
from headcount.telemetry.export.export_settings import ListenAddress, listen_address, otlp_receiver
from headcount.telemetry.export.run_source import RunSource, TotalsFile

if TYPE_CHECKING:
    from headcount.telemetry.export.metrics_endpoint import MetricsEndpoint
    from headcount.telemetry.export.otlp_sender import OtlpSender
    from headcount.telemetry.export.prometheus_page import PrometheusPage

NICENESS = 10
PROBLEM = "headcount: "
"""How the lines begin that are for the user; libraries may write others."""


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
        sender = _sender(source)
    except HeadcountError as error:
        sys.exit(f"{PROBLEM}{error}")
    is_over.wait()
    if sender is not None:
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


def _sender(source: RunSource) -> "OtlpSender | None":
    receiver = otlp_receiver(os.environ)
    if receiver is None:
        return None
    from headcount.telemetry.export.otlp_sender import OtlpSender  # noqa: PLC0415 - it loads slowly

    return OtlpSender(receiver, source.moment, _report)


def _report(text: str) -> None:
    sys.stdout.write(f"{PROBLEM}{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
