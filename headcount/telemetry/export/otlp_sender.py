"""The OTLP sender: sends a run's points at an interval, in a thread of its own.

The exporter's classes are imported here, in a process that has no gevent: gRPC blocks in C.
"""

import logging
import threading
import time
from collections.abc import Callable

from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData

from headcount.telemetry.export.export_settings import OtlpReceiver

FINISH_S = 3.0
"""How long the end of a run may wait for the last message to be sent."""
_LONGEST_REASON = 300


class OtlpSender:
    """Sends messages until it is finished; `report` is called once, with the first problem.

    `make_message` returns what is to be sent; None if there is nothing yet.
    """

    def __init__(
        self,
        receiver: OtlpReceiver,
        make_message: Callable[[], MetricsData | None],
        report: Callable[[str], None],
    ) -> None:
        self._receiver, self._make_message, self._report = receiver, make_message, report
        self._reasons = _LastReason()
        self._is_reported = False
        self._is_over = threading.Event()
        self._exporter = _exporter_of(receiver)
        self._thread = threading.Thread(target=self._send_for_ever, daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Send a last message; wait for it for FINISH_S at most."""
        self._is_over.set()
        self._thread.join(FINISH_S)
        if self._thread.is_alive():
            self._report_once(f"no answer within {FINISH_S:g} s")

    def _send_for_ever(self) -> None:
        while not self._is_over.is_set():
            has_sent = self._send()
            # At first often, so that a mistaken address is reported early.
            self._is_over.wait(self._receiver.every_s if has_sent else 1.0)
        self._send()

    def _send(self) -> bool:
        """Send a message; return False if there is none yet."""
        message = self._make_message()
        if message is None:
            return False
        began_s = time.monotonic()
        try:
            is_sent = self._exporter.export(message) is MetricExportResult.SUCCESS
            reason = self._reasons.text or f"no answer within {time.monotonic() - began_s:.0f} s"
        except Exception as error:  # noqa: BLE001 - a library's; the run goes on
            is_sent, reason = False, f"{type(error).__name__}: {error}"
        if not is_sent:
            self._report_once(reason)
        return True

    def _report_once(self, reason: str) -> None:
        if not self._is_reported:
            self._is_reported = True
            reason = self._receiver.masked(" ".join(reason.split()))[:_LONGEST_REASON]
            self._report(f"the metrics cannot be sent to {self._receiver.address}: {reason}")


class _LastReason(logging.Handler):
    """Keeps the last message that the exporter logs, which nothing else shows."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.text = ""
        logger = logging.getLogger("opentelemetry")
        logger.propagate = False
        logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a message."""
        self.text = record.getMessage()


def _exporter_of(receiver: OtlpReceiver) -> MetricExporter:
    """Make the exporter, which reads OpenTelemetry's variables."""
    if receiver.is_grpc:
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import (  # noqa: PLC0415 - one of two
            OTLPMetricExporter as GrpcExporter,
        )

        return GrpcExporter()
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import (  # noqa: PLC0415 - one of two
        OTLPMetricExporter as HttpExporter,
    )

    return HttpExporter()
