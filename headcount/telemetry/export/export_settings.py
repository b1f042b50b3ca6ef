"""Export settings: where a run's metrics go, by options and OpenTelemetry's variables. Pure."""

import importlib.util
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote, urlsplit

from headcount.errors import UsageError
from headcount.installation import GENERATOR, remedy
from headcount.run.address import without_secrets
from headcount.stack.ports import LOOPBACK
from headcount.time_span import seconds_of

EVERY_S = 10.0
LINGER_S = 15.0
"""How long the endpoint waits for the scrape of the verdict: Prometheus' usual interval."""

_OTLP, _DISABLED = "otlp", "none"
_OTLP_EXTRA = "metrics"
_GRPC, _HTTP = "grpc", "http/protobuf"
_PACKAGES = {
    _GRPC: "opentelemetry.exporter.otlp.proto.grpc",
    _HTTP: "opentelemetry.exporter.otlp.proto.http",
}
_DEFAULT_ADDRESSES = {_GRPC: "http://localhost:4317", _HTTP: "http://localhost:4318"}
_PROMETHEUS = "prometheus_client"
_MOST_PORTS = 1 << 16


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """Where the metrics endpoint listens."""

    host: str
    port: int

    def __str__(self) -> str:
        """Format it as an option takes it."""
        return f"{self.host}:{self.port}"


class Signal(StrEnum):
    """A kind of data that OpenTelemetry's protocol carries, as its variables name it."""

    METRICS = "METRICS"
    TRACES = "TRACES"

    @property
    def words(self) -> str:
        """What a run sends as this signal, as a phrase."""
        return "the metrics" if self is Signal.METRICS else "the trace"


@dataclass(frozen=True, slots=True)
class OtlpReceiver:
    """A receiver to which a signal is sent over OpenTelemetry's protocol.

    `address` is shown to users, so it has no secrets; `secrets` are the texts that no message may
    contain. OpenTelemetry's exporter is given neither: it reads its environment variables itself.
    """

    signal: Signal
    protocol: str
    address: str
    every_s: float = EVERY_S
    secrets: tuple[str, ...] = ()

    @property
    def is_grpc(self) -> bool:
        """Whether it speaks gRPC; otherwise HTTP."""
        return self.protocol == _GRPC

    def masked(self, text: str) -> str:
        """Return a text without the secrets."""
        for secret in self.secrets:
            text = text.replace(secret, "…")
        return text


def listen_address(text: str) -> ListenAddress | None:
    """Parse `PORT` or `HOST:PORT`; None if empty. UsageError if it is neither."""
    if not text:
        return None
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or not 0 < int(port) < _MOST_PORTS:
        raise UsageError(f"--metrics-port must be PORT or HOST:PORT, got {text!r}")
    if problem := why_no_endpoint():
        raise UsageError(f"--metrics-port needs {problem}")
    return ListenAddress(host.strip("[]") or LOOPBACK, int(port))


def why_no_endpoint() -> str:
    """Return which package an endpoint lacks, and how to install it; empty if none."""
    if _is_installed(_PROMETHEUS):
        return ""
    return f"the package prometheus-client: {remedy(GENERATOR)}"


def linger_s(text: str) -> float:
    """Parse how long the endpoint waits for its last scrape. UsageError if it is not a time."""
    return seconds_of("--metrics-linger", text) if text else LINGER_S


def otlp_receiver(
    environ: Mapping[str, str], signal: Signal = Signal.METRICS
) -> OtlpReceiver | None:
    """Return the receiver of a signal that the variables name; None if they name none.

    Raises:
        UsageError: A variable is invalid, or a package is missing.
    """
    if not _is_wanted(environ, signal):
        return None
    variable, chosen = _setting(environ, signal, "PROTOCOL")
    protocol = chosen or _HTTP
    if protocol not in _PACKAGES:
        raise UsageError(f"{variable} must be {_HTTP} or {_GRPC}, got {protocol!r}")
    if not _is_installed(_PACKAGES[protocol]):
        raise UsageError(f"{signal.words} cannot be sent by OTLP: {remedy(_OTLP_EXTRA)}")
    _, address = _setting(environ, signal, "ENDPOINT")
    return OtlpReceiver(
        signal,
        protocol,
        without_secrets(address or _DEFAULT_ADDRESSES[protocol]),
        _interval_s(environ) if signal is Signal.METRICS else EVERY_S,
        tuple(_secrets(environ)),
    )


def _is_wanted(environ: Mapping[str, str], signal: Signal) -> bool:
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    chosen = environ.get(f"OTEL_{signal}_EXPORTER", "").strip()
    if chosen:
        return _OTLP in {name.strip() for name in chosen.split(",")}
    _, address = _setting(environ, signal, "ENDPOINT")
    return bool(address)


def _setting(environ: Mapping[str, str], signal: Signal, name: str) -> tuple[str, str]:
    """Return a variable and its value; the one for the signal wins over the one for all signals.

    The value is empty if neither is set.
    """
    for_all = f"OTEL_EXPORTER_OTLP_{name}"
    for variable in (f"OTEL_EXPORTER_OTLP_{signal}_{name}", for_all):
        if text := environ.get(variable, "").strip():
            return variable, text
    return for_all, ""


def _is_installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:
        return False


def _interval_s(environ: Mapping[str, str]) -> float:
    text = environ.get("OTEL_METRIC_EXPORT_INTERVAL", "").strip()
    if not text:
        return EVERY_S
    try:
        interval_ms = float(text)
    except ValueError:
        interval_ms = math.nan
    if not 0 < interval_ms < math.inf:
        raise UsageError(f"OTEL_METRIC_EXPORT_INTERVAL must be a number of ms, got {text!r}")
    return interval_ms / 1000


def _secrets(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield what may be secret in any signal's variables, the longest first.

    A message about one signal may contain the secrets of another.
    """
    secrets = set[str]()
    for prefix in ("OTEL_EXPORTER_OTLP", *(f"OTEL_EXPORTER_OTLP_{signal}" for signal in Signal)):
        url = urlsplit(environ.get(f"{prefix}_ENDPOINT", "").strip())
        secrets.update((url.query, url.username or "", url.password or ""))
        text = environ.get(f"{prefix}_HEADERS", "").strip()
        values = [pair.partition("=")[2].strip() for pair in text.split(",")]
        secrets.update((text, *values, *map(unquote, values)))
    yield from sorted(filter(None, secrets), key=len, reverse=True)
