"""The trace sender: sends the spans of a run over OTLP, once it is over, in a thread of its own."""

import threading
from collections.abc import Callable, Iterable, Mapping

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from headcount.run.trace_context import SpanIds
from headcount.telemetry.export.export_settings import OtlpReceiver
from headcount.telemetry.export.otlp_delivery import FINISH_S, OtlpDelivery
from headcount.telemetry.run_trace import TraceSpan

SCOPE = "headcount"


class TraceSender:
    """Sends what `read_spans` returns; `report` is called once, with the first problem."""

    def __init__(
        self,
        receiver: OtlpReceiver,
        read_spans: Callable[[], tuple[Iterable[TraceSpan], Mapping[str, str]]],
        report: Callable[[str], None],
    ) -> None:
        self._read_spans = read_spans
        self._delivery = OtlpDelivery(receiver, report)
        self._exporter = _exporter_of(receiver)
        self._thread = threading.Thread(target=self._send, daemon=True)

    def begin_finish(self) -> None:
        """Begin to send."""
        self._thread.start()

    def finish(self) -> None:
        """Wait until all is sent, for FINISH_S at most."""
        self._thread.join(FINISH_S)
        if self._thread.is_alive():
            self._delivery.give_up()

    def _send(self) -> None:
        self._delivery.send(self._export)

    def _export(self) -> bool:
        spans = otlp_spans(*self._read_spans())
        return not spans or self._exporter.export(spans) is SpanExportResult.SUCCESS


def otlp_spans(spans: Iterable[TraceSpan], resource: Mapping[str, str]) -> list[ReadableSpan]:
    """Return the spans in OpenTelemetry's data model.

    They are made here because OpenTelemetry's tracer would give each span a new id.
    """
    of_run, scope = Resource(dict(resource)), InstrumentationScope(SCOPE)
    return [
        ReadableSpan(
            span.name,
            _context(span.ids),
            None if span.parent is None else _context(span.parent),
            of_run,
            span.attributes,
            links=[] if span.link is None else [Link(_context(span.link))],
            kind=SpanKind.CLIENT if span.is_request else SpanKind.INTERNAL,
            status=Status(StatusCode.ERROR, span.problem) if span.problem else Status(),
            start_time=span.began_ns,
            end_time=span.ended_ns,
            instrumentation_scope=scope,
        )
        for span in spans
    ]


def _context(span: SpanIds) -> SpanContext:
    return SpanContext(
        int(span.trace_id, 16),
        int(span.span_id, 16),
        is_remote=False,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )


def _exporter_of(receiver: OtlpReceiver) -> SpanExporter:
    """Make the exporter, which reads OpenTelemetry's variables."""
    if receiver.is_grpc:
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (  # noqa: PLC0415 - one of two
            OTLPSpanExporter as GrpcExporter,
        )

        return GrpcExporter()
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 - one of two
        OTLPSpanExporter as HttpExporter,
    )

    return HttpExporter()
