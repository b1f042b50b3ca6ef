"""Sends scripted bytes from a server to a ledger session, and prints what the ledger records.

It is a separate program, because Locust patches the standard library of its process.
"""

import gzip
import json
import socket
import struct
import sys
from collections.abc import Iterator
from itertools import count
from typing import Any

import gevent
from gevent.event import Event
from gevent.monkey import get_original
from gevent.server import StreamServer

from headcount.ledger.location import open_location
from headcount.ledger.writer import LedgerWriter
from headcount.plugin.attempts.recorder import Recorder
from tests.headcount.plugin.sessions import a_session, tls_options

_hold_up = get_original("time", "sleep")
TIMEOUT_S = 0.3
LONG_TIMEOUT_S = 30.0
WAIT = b""
"""In a script: send nothing until the client has timed out, which it does soon."""
HELD_UP = b"\1"
"""In a script: send the rest in time, and then block the process until the client's time-out."""
RESET = b"\0"
"""In a script: reset the connection."""

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
REFUSED = b"HTTP/1.1 503 No\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"
BAD = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
EARLY = b"HTTP/1.1 102 Processing\r\n\r\n"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
CHUNK = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
LAST = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
OPEN_END = b"HTTP/1.1 200 OK\r\n\r\nto the end"
NOTHING = b"HTTP/1.1 204 No Content\r\n\r\n"
ENDLESS = b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 300_000
ZIPPED = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (
    *(len(gzip.compress(b"ok")), gzip.compress(b"ok")),
)
ENCODED = b"HTTP/1.1 200 OK\r\nContent-Encoding: %b\r\nContent-Length: %d\r\n\r\n%b"
"""A head that states the encoding, and a body that may not be encoded that way."""
LONG = b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + b"x" * 200_000
MOVED = b"HTTP/1.1 307 Moved\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n"

LARGE = "a refusal before the request is read"
SCRIPTS: dict[str, list[list[bytes]]] = {
    "a plain answer": [[OK]],
    "an answer while the generator was held up": [[HELD_UP + OK]],
    "refused": [[REFUSED]],
    "an interim answer": [[EARLY, OK]],
    "an interim answer in one packet": [[EARLY + OK]],
    "an interim answer, and the final one late": [[EARLY, WAIT, REFUSED], [OK], [REFUSED]],
    "an interim answer, and the end": [[EARLY]],
    "more after the response": [[OK + BAD]],
    "more after a refusal": [[BAD + OK]],
    "a body that is cut": [[HEAD + b"abc"]],
    "a body that never comes": [[HEAD, WAIT]],
    "a body in chunks that is cut": [[CHUNK]],
    "a body in chunks": [[CHUNK, b"0\r\n\r\n"], [OK]],
    "no body": [[NOTHING], [OK]],
    "a body to the end": [[OPEN_END]],
    "the last on its connection": [[LAST], [OK]],
    "a body that comes later": [[OK[:-2], b"ok"], [OK]],
    "a head in pieces": [[OK[:20], OK[20:-4], OK[-4:]], [OK]],
    "a long body": [[LONG], [OK]],
    "a body that is encoded": [[ZIPPED], [OK]],
    "a gzip body without a byte": [[ENCODED % (b"gzip", 0, b"")], [OK]],
    "a gzip body that is plain": [[ENCODED % (b"gzip", 2, b"ok")], [OK]],
    "a gzip body that lacks its end": [[ENCODED % (b"gzip", 12, gzip.compress(b"ok")[:12])], [OK]],
    "a deflate body that is plain": [[ENCODED % (b"deflate", 2, b"ok")], [OK]],
    "a br body that is plain": [[ENCODED % (b"br", 2, b"ok")], [OK]],
    "an encoding that is not known": [[ENCODED % (b"zstd", 2, b"o"), b"k"], [OK]],
    "an encoding without a body": [[NOTHING[:-2] + b"Content-Encoding: gzip\r\n\r\n"], [OK]],
    "a refusal that cannot be decoded": [[ENCODED.replace(b"200", b"400") % (b"gzip", 0, b"")]],
    "a refusal that is not UTF-8": [[BAD.replace(b"h: 0", b"h: 2") + b"\xe9!"]],
    "a refusal that is not UTF-8, and cut": [[BAD.replace(b"h: 0", b"h: 3") + b"\xe9!"]],
    "a refusal that cannot be decoded, and is cut": [
        [ENCODED.replace(b"200", b"400") % (b"gzip", 9, b"o")]
    ],
    "a gzip body that is cut": [[ENCODED % (b"gzip", 9, b"o")]],
    "an unknown encoding that is cut": [[ENCODED % (b"zstd", 9, b"o")]],
    "a head without an end": [[ENDLESS]],
    "a length that is none": [[b"HTTP/1.1 200 OK\r\nContent-Length: 2x\r\n\r\nok"]],
    "two lengths": [[b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!"]],
    "a head that is not HTTP": [[b"no HTTP\r\n\r\n"]],
    "silence": [[WAIT]],
    "nothing, and the end": [[]],
    "a reset": [[RESET]],
    "a reset within the head": [[OK[:20], RESET]],
    "a reset within the body": [[HEAD + b"abc", RESET]],
    "half a head": [[b"HTTP/1.1 200 OK\r\nContent-Le"]],
    "a redirect": [[MOVED]],
    LARGE: [[REFUSED]],
}


def _serve(script: list[list[bytes]], is_over: list[Event], tls: dict[str, Any]) -> StreamServer:
    """Answer the n-th request, over all connections, with the n-th list of bytes."""
    turns: Iterator[int] = count()

    def handle(connection: Any, _address: object) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while connection.recv(65536):
            turn = next(turns)
            for part in script[turn]:
                if part == WAIT:
                    is_over[turn].wait()
                if part == RESET:
                    no_linger = struct.pack("ii", 1, 0)
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_linger)
                    return
                connection.sendall(part.removeprefix(HELD_UP))
                if part.startswith(HELD_UP):
                    _hold_up(2 * TIMEOUT_S)
                gevent.sleep(0.01)  # so that each part is a separate packet
            if len(script) == 1:
                return

    server = StreamServer(("127.0.0.1", 0), handle, **tls)
    server.start()
    return server


def _wait_for_answers(session: Any, seconds: float) -> None:
    """Set a session's read time-out; no public interface does."""
    connections = session.client.clientpool.get_client(session.base_url)._connection_pool  # noqa: SLF001
    connections.network_timeout = seconds
    for idle in connections._idle:  # noqa: SLF001
        idle.settimeout(seconds)


def _recorded(
    script: list[list[bytes]], folder: str, tls: dict[str, Any], options: dict[str, Any]
) -> list[list[str]]:
    filesystem, location = open_location(folder)
    writer = LedgerWriter(filesystem, location, "run-1", 0)
    writer.open()
    recorded: list[list[str]] = []

    class RecordingRecorder(Recorder):
        def _end(self, *ending: Any, **options: Any) -> None:
            *_, outcome, error = ending
            recorded.append([outcome.value, error or ""])
            super()._end(*ending, **options)

    recorder = RecordingRecorder(writer, lambda error: sys.exit(str(error)))
    is_over = [Event() for _ in script]
    server = _serve(script, is_over, tls)
    base_url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    session = a_session(recorder, base_url, network_timeout=LONG_TIMEOUT_S)
    payload = "x" * 10_000_000 if script is SCRIPTS[LARGE] else ""
    for answer, over in zip(script, is_over, strict=True):
        is_soon_over = any(part == WAIT or part.startswith(HELD_UP) for part in answer)
        _wait_for_answers(session, TIMEOUT_S if is_soon_over else LONG_TIMEOUT_S)
        session.post("/", json=[payload], event={"event_type": "asked"}, **options)
        over.set()
    recorder.seal()
    server.stop()
    return recorded


def _all_recorded(
    folder: str, tls: dict[str, Any], options: dict[str, Any]
) -> dict[str, list[list[str]]]:
    return {
        name: _recorded(script, f"{folder}/{number}", tls, options)
        for number, (name, script) in enumerate(SCRIPTS.items())
        if not (tls and name == LARGE)  # OpenSSL does not report the reset
    }


def main(folder: str, certificate: str) -> None:
    """Run every script on the short and the general path, with and without TLS."""
    result = {
        scheme: {
            way: _all_recorded(f"{folder}/{scheme}/{way}", tls, options)
            for way, options in (("short", {}), ("general", {"params": {"a": 1}}))
        }
        for scheme, tls in (("http", {}), ("https", tls_options(certificate)))
    }
    sys.stdout.write(json.dumps(result))
    sys.stdout.flush()
    gevent.get_hub().destroy()


if __name__ == "__main__":
    main(*sys.argv[1:])
