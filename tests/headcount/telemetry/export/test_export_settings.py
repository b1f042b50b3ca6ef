"""Export settings: what options and variables ask for, and that mistakes are named."""

import importlib.util

import pytest

from headcount.errors import UsageError
from headcount.telemetry.export.export_settings import (
    EVERY_S,
    LINGER_S,
    ListenAddress,
    Signal,
    linger_s,
    listen_address,
    otlp_receiver,
)
from headcount.telemetry.export.exporter_process import NOTHING_EXPORTED, ExportRequest

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
COLLECTOR = "http://collector:4318"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("9464", ListenAddress("127.0.0.1", 9464)),
        ("0.0.0.0:9464", ListenAddress("0.0.0.0", 9464)),  # noqa: S104 - what a user writes
        ("[::1]:9464", ListenAddress("::1", 9464)),
        ("", None),
    ],
)
def test_a_port_listens_on_this_machine(text: str, address: ListenAddress | None) -> None:
    """Unless a host is named; without the option, nothing listens."""
    assert listen_address(text) == address


@pytest.mark.parametrize("text", ["http", "0", "65536", "localhost:", "9464/metrics"])
def test_a_mistaken_port_is_refused(text: str) -> None:
    """With the value and the rule."""
    with pytest.raises(UsageError, match=r"--metrics-port must be PORT or HOST:PORT, got"):
        listen_address(text)


def test_the_wait_for_the_last_scrape() -> None:
    """It is a time with a unit, and has a default."""
    assert (linger_s(""), linger_s("0s"), linger_s("1m")) == (LINGER_S, 0.0, 60.0)
    with pytest.raises(UsageError, match="--metrics-linger must be a time"):
        linger_s("soon")


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {ENDPOINT: ""},
        {"OTEL_METRICS_EXPORTER": "none", ENDPOINT: COLLECTOR},
        {"OTEL_METRICS_EXPORTER": "console,prometheus"},
        {"OTEL_SDK_DISABLED": "true", ENDPOINT: COLLECTOR},
        {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": COLLECTOR},
        {"OTEL_RESOURCE_ATTRIBUTES": "team=a"},
    ],
)
def test_nothing_is_sent_unless_asked_for(environ: dict[str, str]) -> None:
    """No receiver without a variable that names one, or if metrics are switched off."""
    assert otlp_receiver(environ) is None


@pytest.mark.parametrize(
    ("environ", "address", "is_grpc"),
    [
        ({ENDPOINT: COLLECTOR}, COLLECTOR, False),
        ({"OTEL_METRICS_EXPORTER": "otlp"}, "http://localhost:4318", False),
        (
            {"OTEL_METRICS_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "http://localhost:4317",
            True,
        ),
        (
            {ENDPOINT: COLLECTOR, "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://other/metrics"},
            "http://other/metrics",
            False,
        ),
        (
            {
                ENDPOINT: COLLECTOR,
                "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
                "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "http/protobuf",
            },
            COLLECTOR,
            False,
        ),
    ],
)
def test_the_standard_variables(environ: dict[str, str], address: str, is_grpc: bool) -> None:
    """The address and the protocol; those for metrics win over those for all signals."""
    receiver = otlp_receiver(environ)
    assert receiver is not None
    assert (receiver.address, receiver.is_grpc) == (address, is_grpc)
    assert receiver.every_s == EVERY_S


@pytest.mark.parametrize(
    ("environ", "is_sent"),
    [
        ({ENDPOINT: COLLECTOR}, (True, True)),
        ({ENDPOINT: COLLECTOR, "OTEL_TRACES_EXPORTER": "none"}, (True, False)),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": COLLECTOR}, (False, True)),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": COLLECTOR}, (True, False)),
    ],
)
def test_each_signal_has_its_variables(environ: dict[str, str], is_sent: tuple[bool, bool]) -> None:
    """And those for all signals."""
    assert tuple(otlp_receiver(environ, signal) is not None for signal in Signal) == is_sent


def test_no_secret_of_another_signal_is_shown() -> None:
    """The exporters of both signals write into the same log."""
    environ = {ENDPOINT: COLLECTOR, "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "key=hidden"}
    receiver = otlp_receiver(environ)
    assert receiver is not None
    assert receiver.masked("key=hidden") == "…"


def test_the_interval() -> None:
    """In ms, as the specification says; a mistake is named."""
    receiver = otlp_receiver({ENDPOINT: COLLECTOR, "OTEL_METRIC_EXPORT_INTERVAL": "2500"})
    assert receiver is not None
    assert receiver.every_s == 2.5
    for text in ("fast", "0", "-1", "nan", "inf"):
        with pytest.raises(UsageError, match="OTEL_METRIC_EXPORT_INTERVAL must be"):
            otlp_receiver({ENDPOINT: COLLECTOR, "OTEL_METRIC_EXPORT_INTERVAL": text})


@pytest.mark.parametrize(
    "variable", ["OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL"]
)
def test_an_unknown_protocol_is_named(variable: str) -> None:
    """With its variable and the protocols that there are."""
    environ = {ENDPOINT: COLLECTOR, variable: "http/json"}
    message = f"^{variable} must be http/protobuf or grpc, got 'http/json'"
    with pytest.raises(UsageError, match=message):
        otlp_receiver(environ)


def test_the_interval_of_the_metrics_is_not_for_traces() -> None:
    """Traces are sent even if it is invalid."""
    environ = {ENDPOINT: COLLECTOR, "OTEL_METRIC_EXPORT_INTERVAL": "fast"}
    assert otlp_receiver(environ, Signal.TRACES) is not None


def test_a_missing_package_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to install."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"OTLP: pip install 'headcount\[metrics\]'$"):
        otlp_receiver({ENDPOINT: COLLECTOR})
    with pytest.raises(UsageError, match=r"prometheus-client: pip install headcount$"):
        listen_address("9464")


def test_no_message_has_a_secret() -> None:
    """Neither a header's value, as written or decoded, nor what the address may hide."""
    environ = {
        ENDPOINT: "https://user:hidden@collector/otlp?key=also-hidden",
        "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20very-secret,x-tenant=blue",
    }
    receiver = otlp_receiver(environ)
    assert receiver is not None
    assert receiver.address == "https://collector/otlp"
    text = f"{environ} got Bearer very-secret, and {environ[ENDPOINT]} answered 401"
    masked = receiver.masked(text)
    assert not any(word in masked for word in ("very-secret", "hidden", "blue"))
    assert "answered 401" in masked


@pytest.mark.parametrize(
    ("request_", "is_read", "needs_totals"),
    [
        (NOTHING_EXPORTED, False, False),
        (ExportRequest(sends_trace=True), False, False),
        (ExportRequest(ListenAddress("127.0.0.1", 9464)), True, True),
        (ExportRequest(sends_metrics=True), True, True),
        (ExportRequest(is_by_parent=True), True, True),
        (ExportRequest(has_page=True), True, False),
    ],
)
def test_metrics_are_counted_if_something_reads_them(
    request_: ExportRequest, *, is_read: bool, needs_totals: bool
) -> None:
    """A trace alone needs none of them."""
    assert (request_.is_read, request_.needs_totals) == (is_read, needs_totals)
