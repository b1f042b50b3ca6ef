"""A service that notes every request it receives: the other side of the ledger's account."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from headcount.ids import HEADER


class CountingService(ThreadingHTTPServer):
    """Answers 200 to all, notes the ids, and can be slow, stall, drop connections or redirect."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: list[str] = []
        self.lock = threading.Lock()
        self.answer_after_s = 0.0
        self.stalled_s = 0.0, 0.0
        self.hangs_up = False
        self.status = 200

    def stall(self, seconds: float) -> None:
        """Answer nothing for a while, and then all that has come meanwhile."""
        now_s = time.monotonic()
        self.stalled_s = now_s, now_s + seconds

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that are gone."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: CountingService

    def do_GET(self) -> None:
        with self.server.lock:
            self.server.received.append(self.headers.get(HEADER, ""))
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        time.sleep(self.server.answer_after_s)
        time.sleep(max(0.0, self.server.stalled_s[1] - time.monotonic()))
        if self.server.hangs_up:
            self.close_connection = True
            return
        self.send_response(self.server.status)
        if self.server.status == 302:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"ok\n")

    do_POST = do_GET  # noqa: N815 - the base class's name

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing of requests."""


@contextmanager
def counting_service() -> Iterator[CountingService]:
    """Serve until the block ends."""
    with CountingService() as service:
        thread = threading.Thread(target=service.serve_forever, args=(0.05,))
        thread.start()
        yield service
        service.shutdown()
        thread.join()
