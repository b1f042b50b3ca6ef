"""The metrics endpoint: an HTTP server that Prometheus scrapes, for runs without a web UI."""

import socket
import sys
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from headcount.errors import UsageError
from headcount.telemetry.export.export_settings import ListenAddress
from headcount.telemetry.export.prometheus_page import PrometheusPage

PATH = "/metrics"
_CLIENT_TIMEOUT_S = 5.0


class MetricsEndpoint:
    """Serves pages until it is closed.

    `make_page` takes an `Accept` header, and returns the page and whether it has the verdict.
    """

    def __init__(
        self, address: ListenAddress, make_page: Callable[[str], tuple[PrometheusPage, bool]]
    ) -> None:
        self._make_page = make_page
        self._scraped_s: float | None = None
        self._changed = threading.Condition()
        self._has_shown_verdict = False
        try:
            self._server = _EndpointServer(address, self)
        except OSError as error:
            raise UsageError(
                f"--metrics-port {address} cannot be used: {error.strerror}; choose another"
            ) from None
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def page(self, accept: str) -> tuple[PrometheusPage, bool]:
        """Return the page to send, and whether it has the verdict."""
        return self._make_page(accept)

    def note_scrape(self, *, has_verdict: bool) -> None:
        """Note that a page is being sent, or that one with the verdict was sent."""
        with self._changed:
            self._scraped_s = time.monotonic()
            self._has_shown_verdict = self._has_shown_verdict or has_verdict
            self._changed.notify_all()

    def await_last_scrape(self, timeout_s: float) -> bool:
        """Wait until the verdict was scraped; return whether it was.

        Stops waiting `timeout_s` after the last scrape, or at once if there was none.
        """
        with self._changed:
            while not self._has_shown_verdict and self._scraped_s is not None:
                left_s = self._scraped_s + timeout_s - time.monotonic()
                if left_s <= 0:
                    break
                self._changed.wait(left_s)
            return self._has_shown_verdict

    def close(self) -> None:
        """Stop serving, once the pages that are being sent have been sent."""
        self._server.shutdown()
        self._server.server_close()


class _EndpointServer(ThreadingHTTPServer):
    """A server that finishes its requests before it stops."""

    daemon_threads = False

    def __init__(self, address: ListenAddress, endpoint: MetricsEndpoint) -> None:
        self.endpoint = endpoint
        if ":" in address.host:
            self.address_family = socket.AF_INET6
        super().__init__((address.host, address.port), _ScrapeHandler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print errors, except that a client has hung up."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _ScrapeHandler(BaseHTTPRequestHandler):
    timeout = _CLIENT_TIMEOUT_S
    server: _EndpointServer

    def do_GET(self) -> None:
        """Send the page."""
        if self.path.partition("?")[0] != PATH:
            self.send_error(HTTPStatus.NOT_FOUND, f"the metrics are at {PATH}")
            return
        endpoint = self.server.endpoint
        page, has_verdict = endpoint.page(self.headers.get("Accept", ""))
        # Before the client can have it: a run that ends now waits for the client's next scrape.
        endpoint.note_scrape(has_verdict=False)
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", page.content_type)
        self.send_header("Content-Length", str(len(page.content)))
        self.end_headers()
        self.wfile.write(page.content)
        if has_verdict:
            endpoint.note_scrape(has_verdict=True)

    def log_message(self, *_: Any) -> None:
        """Log no requests."""
