"""The metrics endpoint: what it serves, and how long it waits for the scrape of the verdict."""

import contextlib
import socket
import struct
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from headcount.errors import UsageError
from headcount.stack.ports import LOOPBACK, free_port
from headcount.telemetry.export.export_settings import ListenAddress
from headcount.telemetry.export.metrics_endpoint import MetricsEndpoint
from headcount.telemetry.export.prometheus_page import PrometheusPage

LONG_S = 60.0
LARGE = b"#" * (64 << 20)
"""More than the buffers between a server and a client that does not read can hold."""


@dataclass
class ServedPage:
    """An endpoint, and whether its page has the verdict."""

    endpoint: MetricsEndpoint
    port: int
    has_verdict: bool = False
    content: bytes = b"up 1\n"

    def begin_scrape(self) -> socket.socket:
        """Return a connection on which a page has begun to arrive."""
        client = socket.create_connection((LOOPBACK, self.port), timeout=LONG_S)
        client.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.recv(1) == b"H"
        return client

    def scrape(self, path: str = "/metrics") -> bytes:
        """Fetch a page."""
        url = f"http://{LOOPBACK}:{self.port}{path}"
        with urllib.request.urlopen(url, timeout=LONG_S) as response:
            content: bytes = response.read()
        return content


@pytest.fixture
def served() -> Iterator[ServedPage]:
    """An endpoint whose page says `up 1`."""
    port = free_port()
    endpoint = MetricsEndpoint(
        ListenAddress(LOOPBACK, port),
        lambda _: (PrometheusPage(result.content, "text/plain"), result.has_verdict),
    )
    result = ServedPage(endpoint, port)
    yield result
    endpoint.close()


def test_only_metrics_are_served(served: ServedPage) -> None:
    """At their path; any other path is not found."""
    assert served.scrape() == b"up 1\n"
    with pytest.raises(urllib.error.HTTPError, match="404") as error:
        served.scrape("/")
    error.value.close()


def test_a_run_that_nothing_scrapes_does_not_wait(served: ServedPage) -> None:
    """However long it may wait."""
    began_s = time.monotonic()
    assert not served.endpoint.await_last_scrape(LONG_S)
    assert time.monotonic() - began_s < LONG_S / 2


def test_it_waits_for_the_scrape_of_the_verdict(served: ServedPage) -> None:
    """If there was a scrape before; the wait ends with the first one that has the verdict."""
    served.scrape()
    served.has_verdict = True
    with await_verdict(served) as waited:
        served.scrape()
    assert waited == [True]


def test_it_waits_for_a_client_whose_page_is_still_being_sent(served: ServedPage) -> None:
    """When the run ends, the client's first page need not have arrived."""
    small, served.content = served.content, LARGE
    with served.begin_scrape():
        served.content, served.has_verdict = small, True
        with await_verdict(served) as waited:
            served.scrape()
    assert waited == [True]


def test_a_client_that_hangs_up(served: ServedPage, capfd: pytest.CaptureFixture[str]) -> None:
    """Its page does not count as the verdict's scrape, and the log has no traceback."""
    small, served.content, served.has_verdict = served.content, LARGE, True
    with served.begin_scrape() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    served.content, served.has_verdict = small, False
    served.scrape()
    served.endpoint.close()  # waits for the handler of the first scrape
    assert not served.endpoint.await_last_scrape(0.05)
    assert capfd.readouterr().err == ""


@contextlib.contextmanager
def await_verdict(served: ServedPage) -> Iterator[list[bool]]:
    """Wait for the last scrape in the background; the list has the result after the block."""
    waited: list[bool] = []
    waiter = threading.Thread(
        target=lambda: waited.append(served.endpoint.await_last_scrape(LONG_S))
    )
    waiter.start()
    waiter.join(0.1)
    assert waiter.is_alive()
    yield waited
    waiter.join(LONG_S / 2)


def test_it_does_not_wait_for_ever(served: ServedPage) -> None:
    """It gives up once nothing has scraped for that time."""
    served.scrape()
    assert not served.endpoint.await_last_scrape(0.05)


def test_a_used_port_is_named(served: ServedPage) -> None:
    """In one line, with the option."""
    with pytest.raises(UsageError, match=f"--metrics-port {LOOPBACK}:{served.port} cannot be used"):
        MetricsEndpoint(ListenAddress(LOOPBACK, served.port), served.endpoint.page)
