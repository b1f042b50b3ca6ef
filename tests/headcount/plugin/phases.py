"""Prints the phases of requests to a server that keeps them waiting in known places.

It is a program of its own, because Locust patches the standard library of its process.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import gevent
from gevent.event import Event
from gevent.server import StreamServer

from headcount.ledger.http_phases import FILE
from headcount.plugin.attempts.recorder import Recorder
from tests.headcount.plugin.sessions import a_recorder, a_session, tls_options

HEAD, BODY = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", b"ok"
WAIT_S = 0.06
TIMEOUT_S = 60
WAYS: dict[str, dict[str, Any]] = {"lean": {}, "general": {"params": {"a": 1}}}


class SlowServer(StreamServer):
    """Waits before a response and again after its head, until the client has noticed the head.

    The client notices it by reading the clock, which makes the order of the two certain.
    """

    def __init__(self, tls: dict[str, Any]) -> None:
        super().__init__(("127.0.0.1", 0), spawn=9, **tls)
        self.has_sent_head, self.is_noticed = False, Event()

    def handle(self, connection: Any, _address: object) -> None:
        """Respond until the client is gone; to `/close`, only by closing the connection."""
        while request := connection.recv(65536):
            if b" /close" in request:
                return
            gevent.sleep(WAIT_S)
            self.is_noticed.clear()
            connection.sendall(HEAD)
            self.has_sent_head = True
            self.is_noticed.wait(TIMEOUT_S)
            gevent.sleep(WAIT_S)
            connection.sendall(BODY)


def notice(server: SlowServer, clock: Callable[[], float]) -> Callable[[], float]:
    """Return the clock; it lets the server know when it is read after the head."""

    def noticing() -> float:
        now_s = clock()
        if server.has_sent_head:
            server.has_sent_head = False
            server.is_noticed.set()
        return now_s

    return noticing


def took_s(session: Any, event_type: str, path: str = "/", **options: Any) -> float:
    """Make a request, and return how long it took in all."""
    began_s = time.perf_counter()
    session.get(path, event={"event_type": event_type}, **options)
    return time.perf_counter() - began_s


def ask(recorder: Recorder, tls: dict[str, Any]) -> dict[str, float]:
    """Make requests in both ways; return the shortest time that those of each type took."""
    scheme = "https" if tls else "http"
    server, shortest_s = SlowServer(tls), {}
    server.start()
    clock = time.monotonic
    time.monotonic = notice(server, clock)

    def new_session() -> Any:
        url = f"{scheme}://127.0.0.1:{server.server_port}"
        options = {"connection_timeout": TIMEOUT_S, "network_timeout": TIMEOUT_S}
        return a_session(recorder, url, insecure=True, **options)

    for way, options in WAYS.items():
        session, name = new_session(), f"{scheme} {way}"
        shortest_s[name] = min(took_s(session, name, **options) for _ in range(2))
        took_s(new_session(), f"{name} closed", "/close", **options)
        unaccounted = new_session()
        unaccounted.get("/")
        took_s(unaccounted, f"{name} reused", **options)
    time.monotonic = clock
    server.stop(0)
    return shortest_s


def main(folder: str, certificate: str) -> None:
    """Make requests with and without TLS."""
    recorder = a_recorder(folder)
    shortest_s = {**ask(recorder, {}), **ask(recorder, tls_options(certificate))}
    recorder.seal()
    phases = json.loads(FILE.dump(recorder.phases.phases))["by_type"]
    sys.stdout.write(json.dumps({"phases": phases, "shortest_s": shortest_s}))
    sys.stdout.flush()
    gevent.get_hub().destroy()


if __name__ == "__main__":
    main(*sys.argv[1:])
