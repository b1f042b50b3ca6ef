"""Counts the connections on which a ledger's session sends, and prints the counts.

It is a program of its own, because Locust patches the standard library of its process.
"""

import json
import os
import resource
import sys
from collections.abc import Callable
from socket import gaierror
from typing import Any

import gevent
from gevent.event import Event
from gevent.server import StreamServer

from headcount.plugin.attempts.recorder import Recorder
from tests.headcount.plugin.sessions import a_recorder, a_session, tls_options

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
EVENT = {"event_type": "asked"}
SELECT_TAKES = 1024
TIMEOUT_S = 60
SOON_S = 0.1


class ConnectionRecordingServer(StreamServer):
    """Answers requests and records their connections; `is_open` lets it answer."""

    def __init__(self, tls: dict[str, Any]) -> None:
        super().__init__(("127.0.0.1", 0), spawn=9, **tls)  # so that it can stop running handlers
        self.connections: list[Any] = []
        self.received: list[int] = []
        self.is_open = Event()
        self.is_open.set()

    def handle(self, connection: Any, _address: object) -> None:
        """Answer until the client is gone."""
        self.connections.append(connection)
        number = len(self.connections)
        while connection.recv(65536):
            self.received.append(number)
            self.is_open.wait()
            connection.sendall(OK)


def _ask(session: Any, **options: Any) -> str:
    return str(session.get("/", event=EVENT, **options).outcome)


def _again(session: Any, server: ConnectionRecordingServer) -> list[Any]:
    return [_ask(session), _ask(session), server.received]


def _either_way(session: Any, server: ConnectionRecordingServer) -> list[Any]:
    """Alternate between the short and the general path; request parameters select the latter."""
    return [_ask(session), _ask(session, params={"a": 1}), _ask(session), server.received]


def _ahead(session: Any, server: ConnectionRecordingServer) -> list[Any]:
    session.open_ahead()
    while not server.connections:
        gevent.sleep(0.01)
    return [_ask(session), server.received]


def _ahead_refused(session: Any, server: ConnectionRecordingServer) -> list[Any]:
    """A proxy refuses; `open_ahead` ignores the error."""
    proxy = StreamServer(("127.0.0.1", 0), _refuse)
    proxy.start()
    proxy_options = {"proxy_host": "127.0.0.1", "proxy_port": proxy.server_port}
    session.client.clientpool.client_args.update(proxy_options)
    session.open_ahead()
    proxy.stop(0)
    return server.received


def _refuse(connection: Any, _address: object) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")


def _among_many(session: Any, server: ConnectionRecordingServer) -> list[Any]:
    """Use file descriptors too large for `select`."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (2 * SELECT_TAKES, most))
    files = [os.dup(0)]
    while files[-1] < SELECT_TAKES:
        files.append(os.dup(0))
    asked = _again(session, server)
    for file in files:
        os.close(file)
    return [*asked, server.connections[0].fileno() > SELECT_TAKES]


def _closed_meanwhile(session: Any, server: ConnectionRecordingServer) -> list[Any]:
    first = _ask(session)
    server.connections[0].close()
    gevent.sleep(0.05)  # lets the close arrive
    return [first, _ask(session), server.received]


def _killed(session: Any, server: ConnectionRecordingServer) -> list[Any]:
    """The response to a killed request must not be taken for the next one's."""
    server.is_open.clear()
    user = gevent.spawn(_ask, session)
    while not server.received:
        gevent.sleep(0.01)
    user.kill()
    server.is_open.set()
    return [_ask(session), server.received]


def _own_error(session: Any, server: ConnectionRecordingServer) -> list[Any]:
    """Throw the errors of a refused connection into requests that the server has received."""
    server.is_open.clear()
    users = [gevent.spawn(_ask, session), gevent.spawn(_ask, session, params={"a": 1})]
    while len(server.received) < len(users):
        gevent.sleep(0.01)
    for user, error in zip(users, (ConnectionRefusedError("mine"), gaierror("mine")), strict=True):
        user.kill(error)
    server.is_open.set()
    return [user.get() for user in users]


def _refused(session: Any, server: ConnectionRecordingServer) -> list[Any]:
    server.stop(0)
    return [_ask(session), _ask(session, params={"a": 1})]


def _side_by_side(session: Any, server: ConnectionRecordingServer) -> list[Any]:
    server.is_open.clear()
    users = [gevent.spawn(_ask, session) for _ in range(3)]
    while len(server.received) < 3:
        gevent.sleep(0.01)
    server.is_open.set()
    return [*(user.get() for user in users), sorted(server.received)]


def _despite_retries(session: Any, server: ConnectionRecordingServer) -> list[Any]:
    """Ask for retries in every way that Locust offers; every request times out."""
    session.client.clientpool.client_args.update(network_timeout=SOON_S)
    methods = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
    asked: list[tuple[str, dict[str, Any]]] = [(method, {"max_retries": 2}) for method in methods]
    asked += [
        ("PUT", {"max_retries": 2, **options})
        for options in ({"params": {"a": 1}}, {"catch_response": True}, {"stream": True})
    ]
    session.client.max_retries = 2
    asked += [("PUT", {}), ("PUT", {"params": {"a": 1}})]
    for method, options in asked:
        server.is_open.clear()
        session.request(method, "/", event=EVENT, **options)
        server.is_open.set()
        gevent.sleep(SOON_S)  # lets the server accept the next connections
    return [len(server.received)]


CASES: dict[str, Callable[[Any, ConnectionRecordingServer], list[Any]]] = {
    "again": _again,
    "either way": _either_way,
    "among many": _among_many,
    "ahead": _ahead,
    "ahead, refused": _ahead_refused,
    "closed meanwhile": _closed_meanwhile,
    "killed": _killed,
    "own error": _own_error,
    "refused": _refused,
    "side by side": _side_by_side,
    "despite retries": _despite_retries,
}


def _results(recorder: Recorder, tls: dict[str, Any]) -> dict[str, list[Any]]:
    results = {}
    for name, case in CASES.items():
        server = ConnectionRecordingServer(tls)
        server.start()
        session = a_session(
            recorder,
            f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}",
            concurrency=3,
            connection_timeout=TIMEOUT_S,
            network_timeout=TIMEOUT_S,
        )
        results[name] = case(session, server)
        server.stop(0)
        session.client.clientpool.close()
    return results


def main(folder: str, certificate: str) -> None:
    """Run every case on a server of its own, with and without TLS."""
    recorder = a_recorder(folder)
    results: dict[str, Any] = {
        "http": _results(recorder, {}),
        "https": _results(recorder, tls_options(certificate)),
    }
    seal = recorder.seal()
    assert seal is not None
    results["attempted"] = [seal.attempted, sum(segment.rows for segment in seal.segments)]
    sys.stdout.write(json.dumps(results))
    sys.stdout.flush()
    gevent.get_hub().destroy()


if __name__ == "__main__":
    main(*sys.argv[1:])
