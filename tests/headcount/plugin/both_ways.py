"""Sends the same requests through Locust's session and the ledger's, and prints what was sent.

It is a program of its own, because Locust patches the standard library of its process.
"""

import io
import json
import sys
from random import Random
from typing import Any

import gevent
from gevent.server import StreamServer
from locust.contrib.fasthttp import FastHttpSession
from locust.event import EventHook

from headcount.plugin.session import LedgerSession
from headcount.run.ids import HEADER
from tests.headcount.plugin.sessions import a_recorder

EVENT = {"event_type": "seen"}
CHUNKED = {"Transfer-Encoding": "chunked", "Content-Type": "text/plain"}


class Stream(io.BytesIO):
    """A body of unknown length."""

    def __repr__(self) -> str:
        return "a stream"


REQUESTS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("GET", "/", {}),
    ("GET", "/swords?metal=iron&name=a%20b", {}),
    ("GET", "/schön", {}),
    ("HEAD", "/", {}),
    ("POST", "/", {}),
    ("POST", "/", {"json": {"name": "Ångström", "quantity": 3}}),
    ("POST", "/", {"data": {"metal": "iron", "name": "a b"}}),
    ("POST", "/", {"data": "plain text"}),
    ("POST", "/", {"data": b"\x00\xff", "headers": {"content-type": "image/png"}}),
    ("PUT", "/", {"data": "<a/>", "headers": {"Content-Type": "text/xml", "X-One": "1"}}),
    ("PATCH", "/", {"json": {}, "headers": {"Accept": "text/html"}}),
    ("DELETE", "/", {"headers": {"X-Many": ["1", "2"]}}),
    ("GET", "/", {"params": {"metal": "iron"}}),
    ("GET", "/", {"auth": ("me", "secret")}),
    ("GET", "/refused", {}),
    ("POST", "/broken", {"json": {"a": 1}}),
    ("GET", "/", {"allow_redirects": False, "name": "front"}),
    ("POST", "/", {"json": [1, None, "ü"], "headers": {"content-type": "application/x"}}),
    ("POST", "/", {"data": "a body in chunks", "headers": CHUNKED}),
    ("PUT", "/", {"data": lambda: Stream(b"streamed"), "headers": {"Content-Type": "text/plain"}}),
    ("GET", "{elsewhere}/absolute?a=1", {}),
    ("GET", "/cookie", {}),
    ("GET", "/after-the-cookie", {}),
)

SPLITTING: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("GET", "/", {"headers": {"X-One": "1\r\nX-Two: 2"}}),
    ("GET", "/", {"headers": {"X-One": "1\nX-Two: 2"}}),
    ("GET", "/", {"headers": {"X-One\r\nX-Two": "1"}}),
    ("GET", "/", {"headers": {"X One": "1"}}),
    ("GET /\r\nX-Two: 2\r\n\r\nGET", "/", {}),
    ("GET", "/ HTTP/1.1\r\nX-Two: 2\r\n\r\n", {}),
)
"""Requests that would inject header lines, if they were sent."""


class RequestRecordingServer(StreamServer):
    """Keeps the bytes of each request."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0))
        self.received: list[bytes] = []

    def handle(self, connection: Any, _address: object) -> None:
        """Answer requests until the client is gone."""
        pending = b""
        while data := connection.recv(65536):
            pending += data
            head, end, body = pending.partition(b"\r\n\r\n")
            if not end or not _is_whole(head.lower(), body):
                continue
            self.received.append(pending)
            pending = b""
            connection.sendall(_answer(head))


def _is_whole(head: bytes, body: bytes) -> bool:
    if b"transfer-encoding" in head:
        return body.endswith(b"0\r\n\r\n")
    lengths = [line for line in head.split(b"\r\n") if b"content-length" in line]
    return len(body) >= int(lengths[0].split(b":")[1] if lengths else 0)


def _answer(head: bytes) -> bytes:
    if b"/broken" in head:
        return b"no HTTP\r\n\r\n"
    status = b"409 Conflict" if b"/refused" in head else b"200 OK"
    cookie = b"Set-Cookie: a=b\r\n" if b"/cookie" in head else b""
    body = b"" if head.startswith(b"HEAD") else b"ok"
    return b"HTTP/1.1 %b\r\n%bContent-Length: 2\r\n\r\n%b" % (status, cookie, body)


def _fresh(value: Any) -> Any:
    """Copy or recreate a value that a request may change or consume."""
    if callable(value):
        return value()
    return dict(value) if isinstance(value, dict) else value


def _exchanges(
    session: Any, server: RequestRecordingServer, identified: bool
) -> list[dict[str, Any]]:
    seen = []
    for index, (method, path, keywords) in enumerate(REQUESTS):
        options = {name: _fresh(value) for name, value in keywords.items()}
        if identified:
            options["event"] = EVENT
        else:
            options["headers"] = {**options.get("headers", {}), HEADER: f"run-1.0.{index}"}
        elsewhere = f"http://localhost:{server.server_port}"
        response = session.request(method, path.replace("{elsewhere}", elsewhere), **options)
        status = response.status_code
        fields, _, body = server.received[-1].decode("latin-1").partition("\r\n\r\n")
        first, *rest = fields.split("\r\n")
        seen.append(
            {
                "first": first,
                "fields": sorted(line.partition(":")[0].title() + line for line in rest),
                "body": body,
                "status": response.status_code,
                "error": type(getattr(response, "error", None)).__name__,
                "text": response.text,
                "content": str(response.content),
                "fields_seen": list(map(list, response.headers.items())) if status else [],
                "ok": response.ok,
                "url": response.url,
                "elapsed": status and response.elapsed.total_seconds() > 0,
                "left_to_read": str(response.read() if status else b""),
                "request": [response.request.method, response.request.url],
                "request_body": repr(response.request.body),
                "request_fields": sorted(map(str, response.request.headers.items())),
                "cookies": sorted(cookie.name for cookie in session.cookiejar),
            }
        )
    return seen


def _split(
    session: Any, server: RequestRecordingServer, options: dict[str, Any]
) -> list[list[Any]]:
    """Try to split requests; return the errors, and whether the server received a second header."""
    seen = []
    for method, path, keywords in SPLITTING:
        before, raised = len(server.received), ""
        try:
            session.request(method, path, **keywords, **options)
        except ValueError as error:
            raised = str(error)
        received = b"".join(server.received[before:]).decode("latin-1").split("\r\n")
        seen.append([raised, any(line.startswith("X-Two") for line in received)])
    return seen


def main(folder: str) -> None:
    """Send through both sessions, and print what each sent and saw."""
    server = RequestRecordingServer()
    server.start()
    recorder = a_recorder(folder)
    common: dict[str, Any] = {
        "base_url": f"http://127.0.0.1:{server.server_port}",
        "request_event": EventHook(),
        "user": None,
        "max_retries": 0,
        "connection_timeout": 60,
        "network_timeout": 60,
        "headers": {"User-Agent": f"tester/{Random(1).randrange(9)}"},
    }
    plain = FastHttpSession(**common)
    ledger = LedgerSession(recorder=recorder, user_name="Tester", **common)
    result: dict[str, Any] = {
        "plain": _exchanges(plain, server, False),
        "ledger": _exchanges(ledger, server, True),
    }
    result["split"] = [_split(plain, server, {}), _split(ledger, server, {"event": EVENT})]
    recorder.seal()
    sys.stdout.write(json.dumps(result))
    sys.stdout.flush()
    server.stop()
    gevent.get_hub().destroy()


if __name__ == "__main__":
    main(sys.argv[1])
