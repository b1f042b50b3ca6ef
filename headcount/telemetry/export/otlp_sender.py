"""The OTLP sender: sends a run's points at an interval, in a thread of its own.

It imports the exporters' classes, so its process must have no gevent: gRPC blocks in C.
"""

import threading
import time
from collections.abc import Callable

from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult

from headcount.telemetry.export.export_settings import OtlpReceiver
from headcount.telemetry.export.otlp_delivery import FINISH_S, OtlpDelivery
from headcount.telemetry.export.otlp_message import otlp_message
from headcount.telemetry.export.run_source import RunMoment


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
        self._every_s, self._read_moment = receiver.every_s, read_moment
        self._delivery = OtlpDelivery(receiver, report)
        self._is_over = threading.Event()
        self._exporter = _exporter_of(receiver)
        self._thread = threading.Thread(target=self._send_for_ever, daemon=True)
        self._thread.start()

    def begin_finish(self) -> None:
        """Begin to send a last message."""
        self._is_over.set()

    def finish(self) -> None:
        """Wait for the last message for FINISH_S at most."""
        self.begin_finish()
        self._thread.join(FINISH_S)
        if self._thread.is_alive():
            self._delivery.give_up()

    def _send_for_ever(self) -> None:
        while not self._is_over.is_set():
            has_sent = self._send()
            # Until there is a first message, look every second: a wrong address is then reported
            # early.
            self._is_over.wait(self._every_s if has_sent else 1.0)
        self._send()

    def _send(self) -> bool:
        """Send a message; return False if there is none yet."""
        moment = self._read_moment()
        if moment is None:
            return False
        message = otlp_message(moment.points, moment.resource, moment.began_at_ns, time.time_ns())
        self._delivery.send(lambda: self._exporter.export(message) is MetricExportResult.SUCCESS)
        return True


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
