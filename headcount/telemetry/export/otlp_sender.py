"""The OTLP sender: sends a run's points at an interval, in a thread of its own.

The exporter's classes are imported here, in a process that has no gevent: gRPC blocks in C.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable

from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult

from headcount.telemetry.export.export_settings import OtlpReceiver
from headcount.telemetry.export.otlp_message import otlp_message
from headcount.telemetry.export.run_source import RunMoment

FINISH_S = 3.0
"""How long the end of a run may wait for the last message to be sent."""
_LONGEST_REASON = 300


class OtlpSender:
    """Sends messages until it is finished; `report` is called once, with the first problem.

    `read_moment` returns the state of the run; None before it begins.
    """

    def __init__(
        self,
        receiver: OtlpReceiver,
        read_moment: Callable[[], RunMoment | None],
        report: Callable[[str], None],
    ) -> None:
        self._receiver, self._read_moment, self._report = receiver, read_moment, report
        self._reasons = _LastReasons()
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
            self._report_once(self._reasons.text or f"no answer within {FINISH_S:g} s")

    def _send_for_ever(self) -> None:
        while not self._is_over.is_set():
            has_sent = self._send()
            # At first often, so that a mistaken address is reported early.
            self._is_over.wait(self._receiver.every_s if has_sent else 1.0)
        self._send()

    def _send(self) -> bool:
        """Send a message; return False if there is none yet."""
        moment = self._read_moment()
        if moment is None:
            return False
        now_ns = time.time_ns()
        message = otlp_message(moment.points, moment.resource, moment.began_at_ns, now_ns)
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


class _LastReasons(logging.Handler):
    """Keeps the last few messages that the exporter logs, which nothing else shows.

    One is not enough: the last one may only say that the exporter gives up.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._messages: deque[str] = deque(maxlen=2)
        logger = logging.getLogger("opentelemetry")
        logger.propagate = False
        logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a message."""
        self._messages.append(record.getMessage())

    @property
    def text(self) -> str:
        """The messages; empty if there are none."""
        return " / ".join(tuple(self._messages))


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
