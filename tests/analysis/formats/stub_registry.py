"""A stub of a schema registry: gives set answers, over HTTP or TLS, and records logins."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from headcount.stack.ports import LOOPBACK


@dataclass(slots=True)
class StubRegistry:
    """A running stub; `answers` has the status and the body for each path.

    `missing_code` is the error code of its 404 for any other path.
    """

    url: str
    answers: dict[str, tuple[int, object]] = field(default_factory=dict)
    logins: list[str | None] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    missing_code: int = 40403

    def has(self, number: int, text: str, kind: str = "AVRO") -> None:
        """Answer with a schema."""
        document = {"schema": text, "schemaType": kind, "id": number}
        self.answers[f"/schemas/ids/{number}"] = 200, document

    def answer(self, path: str, login: str | None) -> tuple[int, bytes]:
        """Return status and body."""
        self.logins.append(login)
        self.paths.append(path)
        missing = 404, {"error_code": self.missing_code, "message": "not found"}
        status, body = self.answers.get(path, missing)
        return status, body if isinstance(body, bytes) else json.dumps(body).encode()


@contextmanager
def stub_registry(context: ssl.SSLContext | None = None) -> Iterator[StubRegistry]:
    """Run a stub for the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, body = stub.answer(self.path, self.headers.get("Authorization"))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer((LOOPBACK, 0), Handler) as server:
        server.daemon_threads = True
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        scheme = "http" if context is None else "https"
        stub = StubRegistry(f"{scheme}://{LOOPBACK}:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield stub
        finally:
            server.shutdown()
            thread.join()
