"""The worker under gunicorn: deferred responses, and connections shared among workers."""

import contextlib
import http.client
import os
import signal
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.service.server import TIMEOUT_S, GunicornServer, HttpResponse, serving
from tests.service.waiting import eventually

pytestmark = pytest.mark.e2e

MODULE = "tests.service.holding:app"
SHARING_MODULE = "tests.service.pausing:app"
PAUSE_S = 2.0
LARGE_BYTES = 32 << 20  # more than the kernel takes for a client that does not read
RESET = struct.pack("ii", 1, 0)  # SO_LINGER for 0 s: closing resets


class Client:
    """A connection on which requests can be sent before earlier ones have their responses."""

    def __init__(self, server: GunicornServer) -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port), TIMEOUT_S)
        self._received = self.socket.makefile("rb")

    def ask(self, *paths: str, **headers: str) -> None:
        """Send requests in one write."""
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        asked = (f"GET {path} HTTP/1.1\r\nHost: service\r\n{lines}\r\n" for path in paths)
        self.socket.sendall("".join(asked).encode())

    def answer(self) -> HttpResponse:
        """Wait for the next response."""
        status = int(self._line().split()[1])
        headers = dict(line.split(": ", 1) for line in iter(self._line, ""))
        body = self._received.read(int(headers["Content-Length"]))
        return HttpResponse(status, headers, body.decode())

    def has_answer(self) -> bool:
        """Return whether unread data has arrived."""
        self.socket.setblocking(False)
        try:
            return bool(self.socket.recv(1, socket.MSG_PEEK))
        except BlockingIOError:
            return False
        finally:
            self.socket.settimeout(TIMEOUT_S)

    def vanish(self) -> None:
        """Reset the connection."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self._received.close()
        self.socket.close()

    def close(self) -> None:
        """Close the connection."""
        self._received.close()
        self.socket.close()

    def _line(self) -> str:
        return self._received.readline().decode().rstrip("\r\n")


@dataclass(frozen=True, slots=True)
class HoldingService:
    """A service with one thread, whose events are in flight until they are released."""

    server: GunicornServer
    file: Path
    stack: contextlib.ExitStack

    def client(self) -> Client:
        """Return a client with a new connection."""
        return self.stack.enter_context(contextlib.closing(Client(self.server)))

    def clients(self, *paths: str) -> list[Client]:
        """Return a client for each path, each with its event in flight."""
        made = [self.client() for _ in paths]
        for client, path in zip(made, paths, strict=True):
            client.ask(path)
        self.wait_for(len(made))
        return made

    def wait_for(self, count: int) -> None:
        """Wait until so many events are in flight."""
        eventually(lambda: self.server.get("/held").body == str(count), f"{count} on their way")

    def release(self) -> None:
        """Acknowledge all events, present and future."""
        self.file.unlink()


@contextlib.contextmanager
def holding(
    folder: Path, monkeypatch: pytest.MonkeyPatch, ack_timeout_s: float
) -> Iterator[HoldingService]:
    """Run a service that holds its events."""
    file = folder / "hold"
    file.touch()
    monkeypatch.setenv("HOLD_FILE", str(file))
    monkeypatch.setenv("LARGE_BYTES", str(LARGE_BYTES))
    variables = {"WORKERS": 1, "THREADS": 1, "ACK_TIMEOUT_S": ack_timeout_s}
    with (
        serving(folder / "log", MODULE, **variables) as server,
        contextlib.ExitStack() as stack,
    ):
        yield HoldingService(server, file, stack)


@pytest.fixture
def held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HoldingService]:
    """A service whose time-out is longer than a test."""
    with holding(tmp_path, monkeypatch, ack_timeout_s=60) as running:
        yield running


def test_more_requests_wait_than_there_are_threads(held: HoldingService) -> None:
    """The one thread handles others in the meantime; each waits for its acknowledgement."""
    clients = held.clients(*"/" * 8)
    assert held.server.get("/healthz").status == 200
    assert not any(client.has_answer() for client in clients)
    held.release()
    for client in clients:
        answer = client.answer()
        assert (answer.status, answer.body) == (200, "This is the default response!\n")
        assert (answer.headers["X-Event-Partition"], answer.headers["X-Event-Offset"]) == ("1", "2")


def test_requests_count_as_in_progress_while_they_are_handled(held: HoldingService) -> None:
    """Failed ones, too; but not those that wait for an acknowledgement."""
    held.clients("/", "/")
    assert held.server.get("/nowhere").status == 404
    eventually(
        lambda: held.server.get("/in_progress").body == "True False", "none but the one that asks"
    )
    held.release()


def test_an_event_that_fails_is_a_504(held: HoldingService) -> None:
    """The response is the same as if a thread had waited; the others succeed."""
    failing, good = held.client(), held.client()
    failing.ask("/", X_Fail="1")
    good.ask("/")
    held.wait_for(2)
    held.release()
    answer = failing.answer()
    assert (answer.status, good.answer().status) == (504, 200)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["X-Served-By"]
    assert answer.json["detail"] == "As asked. The event may already be in the topic."


def test_an_event_that_is_never_settled_is_a_504(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deadline settles it; an outcome after that causes no second response."""
    with holding(tmp_path, monkeypatch, ack_timeout_s=0.5) as held:
        client = held.client()
        client.ask("/")
        assert client.answer().status == 504
        held.release()
        held.wait_for(0)
        client.ask("/healthz")
        assert client.answer().body == "alive\n"


def test_pipelined_requests_are_answered_in_turn(held: HoldingService) -> None:
    """The next request of a connection starts after the response to the one before it."""
    client = held.client()
    client.ask("/", "/healthz", "/join_guild?guild=Night")
    held.wait_for(1)
    assert not client.has_answer()
    held.release()
    bodies = [client.answer().body for _ in range(3)]
    assert bodies == ["This is the default response!\n", "alive\n", "Guild Joined!\n"]
    client.ask("/")
    assert client.answer().headers["Connection"] == "keep-alive"


def test_a_client_that_does_not_read_blocks_no_other(held: HoldingService) -> None:
    """Its response waits in a thread, and is complete in the end; the others are not delayed."""
    slow, *others = held.clients("/large", *"/" * 4)
    held.release()
    assert [other.answer().status for other in others] == [200] * 4
    assert len(slow.answer().body) == LARGE_BYTES


def test_a_client_that_disconnected_blocks_no_other(held: HoldingService) -> None:
    """The others of its group get their responses, and so does the next client."""
    gone, *others = held.clients(*"/" * 4)
    gone.vanish()
    held.release()
    assert [other.answer().status for other in others] == [200] * 3
    assert held.server.get("/").status == 200
    assert held.server.terminate() == 0


def test_held_requests_get_responses_at_shutdown(held: HoldingService) -> None:
    """On SIGTERM the worker accepts no connections, and exits after its last response."""
    clients = held.clients(*"/" * 3)
    os.kill(held.server.process.pid, signal.SIGTERM)
    eventually(lambda: not held.server.answers("/healthz", 200), "the closed door")
    assert not any(client.has_answer() for client in clients)
    held.release()
    assert [client.answer().status for client in clients] == [200] * 3
    assert held.server.process.wait(TIMEOUT_S) == 0


@contextlib.contextmanager
def connected(server: GunicornServer, count: int) -> Iterator[list[http.client.HTTPConnection]]:
    """Open connections at the same time, send a request on each, and keep them open."""
    with contextlib.ExitStack() as stack:
        made = [
            stack.enter_context(
                contextlib.closing(
                    http.client.HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT_S)
                )
            )
            for _ in range(count)
        ]
        for connection in made:
            connection.connect()
        for connection in made:
            connection.request("GET", "/healthz")
        yield made


def worker(connection: http.client.HTTPConnection) -> str:
    """Return the process that serves a connection."""
    answer = connection.getresponse()
    answer.read()
    return answer.headers["X-Served-By"]


@pytest.mark.slow
def test_connections_that_are_made_at_once_are_shared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two connections, each worker always gets one."""
    monkeypatch.setenv("PAUSE_S", str(PAUSE_S))
    with serving(tmp_path / "log", SHARING_MODULE, PUBLISH="off", WORKERS=2, THREADS=16) as server:
        seen: set[str] = set()

        def has_seen_both() -> bool:
            seen.add(server.get("/healthz").headers["X-Served-By"])
            return len(seen) == 2

        eventually(has_seen_both, "both workers")
        judged = 0
        while judged < 3:
            time.sleep(PAUSE_S)  # then both accept
            began_s = time.monotonic()
            with connected(server, 2) as pair:
                workers_of_pair = {worker(connection) for connection in pair}
                if time.monotonic() - began_s > PAUSE_S:
                    continue  # the one that was first had its pause, and may be first again
                assert workers_of_pair == seen
                judged += 1


@pytest.mark.slow
@pytest.mark.parametrize(("workers", "threads"), [(1, 16), (2, 1)])
def test_no_worker_pauses_without_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int, threads: int
) -> None:
    """A single worker does not pause, nor does one with a connection for each thread."""
    monkeypatch.setenv("PAUSE_S", "3600")
    with (
        serving(
            tmp_path / "log", SHARING_MODULE, PUBLISH="off", WORKERS=workers, THREADS=threads
        ) as server,
        connected(server, 8) as made,
    ):
        assert all(map(worker, made))
