"""Receivers of OpenTelemetry's protocol for tests: one that keeps what it gets, one that hangs."""

import contextlib
import select
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc  # type: ignore[import-untyped] # it has no types
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2_grpc import (
    MetricsServiceServicer,
    add_MetricsServiceServicer_to_server,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from headcount.stack.ports import LOOPBACK

TRACES_PATH = "/v1/traces"


@dataclass
class ReceivedMetrics:
    """The requests that a receiver got, and the headers of those with metrics."""

    address: str = ""
    requests: list[ExportMetricsServiceRequest] = field(default_factory=list)
    traces: list[ExportTraceServiceRequest] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)

    def add(self, request: ExportMetricsServiceRequest, headers: dict[str, str]) -> None:
        """Keep a request."""
        self.headers.append(headers)
        self.requests.append(request)
        self.arrived.set()

    @property
    def spans(self) -> list[Span]:
        """The spans of the only request with a trace."""
        (request,) = self.traces
        (resource,) = request.resource_spans
        return [span for scope in resource.scope_spans for span in scope.spans]

    @property
    def metrics(self) -> dict[str, Metric]:
        """The metrics of the last request, by name."""
        (resource,) = self.requests[-1].resource_metrics
        return {metric.name: metric for scope in resource.scope_metrics for metric in scope.metrics}

    @property
    def resource(self) -> dict[str, str]:
        """The attributes of the last request's resource."""
        (resource,) = self.requests[-1].resource_metrics
        return {
            attribute.key: attribute.value.string_value
            for attribute in resource.resource.attributes
        }

    def numbers(self, name: str, label: str) -> dict[str, float]:
        """Return the sums of a metric by the value of a label."""
        metric = self.metrics[name]
        sums: dict[str, float] = {}
        for point in (*metric.sum.data_points, *metric.gauge.data_points):
            labels = {attribute.key: attribute.value.string_value for attribute in point.attributes}
            value = point.as_double if point.HasField("as_double") else float(point.as_int)
            sums[labels[label]] = sums.get(labels[label], 0.0) + value
        return sums


@contextlib.contextmanager
def http_receiver(status: int = 200) -> Iterator[ReceivedMetrics]:
    """Receive by HTTP until the block ends, and answer with a status."""
    received = ReceivedMetrics()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == TRACES_PATH:
                received.traces.append(ExportTraceServiceRequest.FromString(body))
            else:
                received.add(ExportMetricsServiceRequest.FromString(body), dict(self.headers))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    received.address = f"http://{LOOPBACK}:{server.server_address[1]}"
    try:
        yield received
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def grpc_receiver() -> Iterator[ReceivedMetrics]:
    """Receive by gRPC until the block ends."""
    received = ReceivedMetrics()

    class Servicer(MetricsServiceServicer):
        def Export(  # noqa: N802 - the protocol's name
            self, request: ExportMetricsServiceRequest, context: grpc.ServicerContext
        ) -> ExportMetricsServiceResponse:
            sent = {item.key: str(item.value) for item in context.invocation_metadata()}
            received.add(request, sent)
            return ExportMetricsServiceResponse()

    class TraceServicer(TraceServiceServicer):
        def Export(  # noqa: N802 - the protocol's name
            self, request: ExportTraceServiceRequest, _: grpc.ServicerContext
        ) -> ExportTraceServiceResponse:
            received.traces.append(request)
            return ExportTraceServiceResponse()

    server = grpc.server(ThreadPoolExecutor(1))
    add_MetricsServiceServicer_to_server(Servicer(), server)
    add_TraceServiceServicer_to_server(TraceServicer(), server)
    received.address = f"http://{LOOPBACK}:{server.add_insecure_port(f'{LOOPBACK}:0')}"
    server.start()
    try:
        yield received
    finally:
        server.stop(None).wait()


@dataclass
class HangingReceiver:
    """A receiver that never answers."""

    listener: socket.socket

    @property
    def address(self) -> str:
        """Its URL."""
        return f"http://{LOOPBACK}:{self.listener.getsockname()[1]}"

    def await_connection(self, deadline_s: float) -> None:
        """Wait until something connects."""
        ready, _, _ = select.select([self.listener], [], [], deadline_s)
        assert ready


@contextlib.contextmanager
def hanging_receiver() -> Iterator[HangingReceiver]:
    """Let the kernel accept connections until the block ends, and never answer."""
    with socket.create_server((LOOPBACK, 0), backlog=64) as listener:
        yield HangingReceiver(listener)
