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

from tests.service.server import TIMEOUT_S, Answer, Server, serving
from tests.service.waiting import eventually

pytestmark = pytest.mark.e2e

MODULE = "tests.service.holding:app"
SHARING_MODULE = "tests.service.pausing:app"
PAUSE_S = 2.0
LARGE_BYTES = 32 << 20  # more than the kernel takes for a client that does not read
RESET = struct.pack("ii", 1, 0)  # SO_LINGER for 0 s: closing resets


class Client:
    """A connection, on which requests can be sent before the earlier ones are answered."""

    def __init__(self, server: Server) -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port), TIMEOUT_S)
        self._received = self.socket.makefile("rb")

    def ask(self, *paths: str, **headers: str) -> None:
        """Send requests in one piece."""
        lines = "".join(f"{name.replace('_', '-')}: {each}\r\n" for name, each in headers.items())
        asked = (f"GET {path} HTTP/1.1\r\nHost: service\r\n{lines}\r\n" for path in paths)
        self.socket.sendall("".join(asked).encode())

    def answer(self) -> Answer:
        """Wait for the next answer."""
        status = int(self._line().split()[1])
        headers = dict(line.split(": ", 1) for line in iter(self._line, ""))
        body = self._received.read(int(headers["Content-Length"]))
        return Answer(status, headers, body.decode())

    def has_answer(self) -> bool:
        """Whether anything has come that was not read yet."""
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
class Held:
    """A service with one thread, whose events are on their way until they are released."""

    server: Server
    file: Path
    stack: contextlib.ExitStack

    def client(self) -> Client:
        """A client on a connection of its own."""
        return self.stack.enter_context(contextlib.closing(Client(self.server)))

    def clients(self, *paths: str) -> list[Client]:
        """A client for each path, whose request for it is on its way."""
        made = [self.client() for _ in paths]
        for client, path in zip(made, paths, strict=True):
            client.ask(path)
        self.wait_for(len(made))
        return made

    def wait_for(self, count: int) -> None:
        """Until so many events are on their way."""
        eventually(lambda: self.server.get("/held").body == str(count), f"{count} on their way")

    def release(self) -> None:
        """Acknowledge what is on its way, and what will be."""
        self.file.unlink()


@contextlib.contextmanager
def holding(folder: Path, monkeypatch: pytest.MonkeyPatch, ack_timeout_s: float) -> Iterator[Held]:
    """Run that service."""
    file = folder / "hold"
    file.touch()
    monkeypatch.setenv("HOLD_FILE", str(file))
    monkeypatch.setenv("LARGE_BYTES", str(LARGE_BYTES))
    variables = {"WORKERS": 1, "THREADS": 1, "ACK_TIMEOUT_S": ack_timeout_s}
    with (
        serving(folder / "log", MODULE, **variables) as server,
        contextlib.ExitStack() as stack,
    ):
        yield Held(server, file, stack)


@pytest.fixture
def held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    """A service that gives up on nothing while a test runs."""
    with holding(tmp_path, monkeypatch, ack_timeout_s=60) as running:
        yield running


def test_more_requests_wait_than_there_are_threads(held: Held) -> None:
    """The one thread answers others meanwhile; none is answered before its acknowledgement."""
    clients = held.clients(*"/" * 8)
    assert held.server.get("/healthz").status == 200
    assert not any(each.has_answer() for each in clients)
    held.release()
    for each in clients:
        answer = each.answer()
        assert (answer.status, answer.body) == (200, "This is the default response!\n")
        assert (answer.headers["X-Event-Partition"], answer.headers["X-Event-Offset"]) == ("1", "2")


def test_requests_count_as_in_progress_while_they_are_handled(held: Held) -> None:
    """Also those that fail; those that were handled and wait for an acknowledgement do not."""
    held.clients("/", "/")
    assert held.server.get("/nowhere").status == 404
    eventually(
        lambda: held.server.get("/in_progress").body == "True False", "none but the one that asks"
    )
    held.release()


def test_an_event_that_fails_is_a_504(held: Held) -> None:
    """The answer is the problem that a thread would have waited for; the others are good."""
    failing, good = held.client(), held.client()
    failing.ask("/", X_Fail="1")
    good.ask("/")
    held.wait_for(2)
    held.release()
    answer = failing.answer()
    assert (answer.status, good.answer().status) == (504, 200)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["X-Served-By"]
    assert answer.json["detail"] == "As asked. It may have been published."


def test_an_event_that_is_never_settled_is_a_504(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deadline settles it, and what comes afterwards is no second answer."""
    with holding(tmp_path, monkeypatch, ack_timeout_s=0.5) as held:
        client = held.client()
        client.ask("/")
        assert client.answer().status == 504
        held.release()
        held.wait_for(0)
        client.ask("/healthz")
        assert client.answer().body == "alive\n"


def test_pipelined_requests_are_answered_in_turn(held: Held) -> None:
    """The next request of a connection begins when the one before it is answered."""
    client = held.client()
    client.ask("/", "/healthz", "/join_guild?guild=Night")
    held.wait_for(1)
    assert not client.has_answer()
    held.release()
    bodies = [client.answer().body for _ in range(3)]
    assert bodies == ["This is the default response!\n", "alive\n", "Guild Joined!\n"]
    client.ask("/")
    assert client.answer().headers["Connection"] == "keep-alive"


def test_a_client_that_does_not_read_holds_up_nobody(held: Held) -> None:
    """Its answer waits in a thread, and is whole in the end; those of its group come through."""
    slow, *others = held.clients("/large", *"/" * 4)
    held.release()
    assert [each.answer().status for each in others] == [200] * 4
    assert len(slow.answer().body) == LARGE_BYTES


def test_a_client_that_vanished_holds_up_nobody(held: Held) -> None:
    """The others of its group are answered, and so is whoever comes next."""
    gone, *others = held.clients(*"/" * 4)
    gone.vanish()
    held.release()
    assert [each.answer().status for each in others] == [200] * 3
    assert held.server.get("/").status == 200
    assert held.server.terminate() == 0


def test_what_is_on_its_way_is_answered_at_the_end(held: Held) -> None:
    """On SIGTERM the worker takes nobody any more, and ends when its last answer is given."""
    clients = held.clients(*"/" * 3)
    os.kill(held.server.process.pid, signal.SIGTERM)
    eventually(lambda: not held.server.answers("/healthz", 200), "the closed door")
    assert not any(each.has_answer() for each in clients)
    held.release()
    assert [each.answer().status for each in clients] == [200] * 3
    assert held.server.process.wait(TIMEOUT_S) == 0


@contextlib.contextmanager
def connected(server: Server, count: int) -> Iterator[list[http.client.HTTPConnection]]:
    """So many connections, which are made at once, asked for something, and kept."""
    with contextlib.ExitStack() as stack:
        made = [
            stack.enter_context(
                contextlib.closing(
                    http.client.HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT_S)
                )
            )
            for _ in range(count)
        ]
        for each in made:
            each.connect()
        for each in made:
            each.request("GET", "/healthz")
        yield made


def worker(connection: http.client.HTTPConnection) -> str:
    """The process that answers on a connection."""
    answer = connection.getresponse()
    answer.read()
    return answer.headers["X-Served-By"]


@pytest.mark.slow
def test_connections_that_are_made_at_once_are_shared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two, each worker gets one, however often."""
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
                found = {worker(each) for each in pair}
                if time.monotonic() - began_s > PAUSE_S:
                    continue  # the one that was first had its pause, and may be first again
                assert found == seen
                judged += 1


@pytest.mark.slow
@pytest.mark.parametrize(("workers", "threads"), [(1, 16), (2, 1)])
def test_nobody_waits_in_vain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int, threads: int
) -> None:
    """One worker alone does not pause, nor does one whose threads have a connection each."""
    monkeypatch.setenv("PAUSE_S", "3600")
    with (
        serving(
            tmp_path / "log", SHARING_MODULE, PUBLISH="off", WORKERS=workers, THREADS=threads
        ) as server,
        connected(server, 8) as made,
    ):
        assert all(map(worker, made))
