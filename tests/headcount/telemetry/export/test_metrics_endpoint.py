"""The metrics endpoint: what it serves, and how long it waits for the scrape of the verdict."""

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


@dataclass
class ServedPage:
    """An endpoint, and whether its page has the verdict."""

    endpoint: MetricsEndpoint
    port: int
    has_verdict: bool = False

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
    page = PrometheusPage(b"up 1\n", "text/plain")
    endpoint = MetricsEndpoint(ListenAddress(LOOPBACK, port), lambda _: (page, result.has_verdict))
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
    waited: list[bool] = []
    waiter = threading.Thread(
        target=lambda: waited.append(served.endpoint.await_last_scrape(LONG_S))
    )
    waiter.start()
    assert waiter.is_alive()
    served.scrape()
    waiter.join(LONG_S / 2)
    assert waited == [True]


def test_it_does_not_wait_for_ever(served: ServedPage) -> None:
    """It gives up once nothing has scraped for that time."""
    served.scrape()
    assert not served.endpoint.await_last_scrape(0.05)


def test_a_used_port_is_named(served: ServedPage) -> None:
    """In one line, with the option."""
    with pytest.raises(UsageError, match=f"--metrics-port {LOOPBACK}:{served.port} cannot be used"):
        MetricsEndpoint(ListenAddress(LOOPBACK, served.port), served.endpoint.page)
