"""A service that records every request it receives, to compare with the ledger."""

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from headcount.run.ids import HEADER


class CountingService(ThreadingHTTPServer):
    """Answers 200 and records the ids; can be slow, stall, drop connections or redirect.

    `received` has what the header `id_header` says, and `requests` have the paths and bodies.
    """

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, certificate: Path | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.scheme = "http"
        if certificate is not None:
            self._speak_tls(certificate)
        self.id_header = HEADER
        self.received: list[str] = []
        self.requests: list[tuple[str, str]] = []
        self.authorizations: set[str | None] = set()
        self.connections = 0
        self.lock = threading.Lock()
        self.answer_after_s = 0.0
        self.stalled_s = 0.0, 0.0
        self.hangs_up = False
        self.status = 200
        self.location = "/elsewhere"

    def _speak_tls(self, certificate: Path) -> None:
        self.scheme = "https"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        # Each connection's own thread does the handshake.
        self.socket = context.wrap_socket(
            self.socket, server_side=True, do_handshake_on_connect=False
        )

    def get_request(self) -> Any:
        """Count the connections."""
        self.connections += 1
        return super().get_request()

    def stall(self, seconds: float) -> None:
        """Answer nothing for a while, and then all requests received meanwhile."""
        now_s = time.monotonic()
        self.stalled_s = now_s, now_s + seconds

    @property
    def url(self) -> str:
        """Its address."""
        return f"{self.scheme}://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Do not log clients that disconnect."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: CountingService

    def do_GET(self) -> None:
        with self.server.lock:
            self.server.received.append(self.headers.get(self.server.id_header, ""))
            self.server.authorizations.add(self.headers.get("Authorization"))
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode("latin-1")
        self.server.requests.append((self.path, body))
        time.sleep(self.server.answer_after_s)
        time.sleep(max(0.0, self.server.stalled_s[1] - time.monotonic()))
        if self.server.hangs_up:
            self.close_connection = True
            return
        self.send_response(self.server.status)
        if self.server.status == 302:
            self.send_header("Location", self.server.location)
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"ok\n")

    do_POST = do_PUT = do_GET  # noqa: N815 - the base class's names

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Do not log requests."""


@contextmanager
def counting_service(certificate: Path | None = None) -> Iterator[CountingService]:
    """Serve until the block ends, with TLS if there is a certificate."""
    with CountingService(certificate) as service:
        thread = threading.Thread(target=service.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield service
        finally:
            service.shutdown()
            thread.join()
