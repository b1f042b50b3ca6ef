"""A registry of a few schemas, so that formats can be measured without a real one."""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from headcount.stack.ports import LOOPBACK


@contextmanager
def schema_server(schemas: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Serve schemas, as pairs of kind and text; their numbers are their places. Yield the URL."""
    answers = {
        f"/schemas/ids/{number}": json.dumps({"schema": text, "schemaType": kind}).encode()
        for number, (kind, text) in enumerate(schemas)
    }

    class SchemaHandler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = answers.get(self.path.partition("?")[0], b"")
            self.send_response(200 if body else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer((LOOPBACK, 0), SchemaHandler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://{LOOPBACK}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
