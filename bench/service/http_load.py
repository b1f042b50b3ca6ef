"""The load: keeps one request in flight on each connection, and counts the answers.

    python -m bench.service.http_load HOST PORT FILE CONNECTIONS WARM_UP_S WINDOW_S

FILE lists the requests, which the connections send in turn (see `request_list.py`).

The benchmark uses it if wrk is not installed. It has raw sockets and one thread, and sends the next
request as soon as the previous answer is complete. It prints the window's counts of answers and
their percentiles as JSON.
"""

import itertools
import json
import re
import select
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.harness.figures import percentile
from bench.service.request_list import read

BUFFER_BYTES = 65536
_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(slots=True)
class LoadResult:
    """Counts and latencies: `acknowledged` are 2xx, `refused` all other status codes."""

    acknowledged: int = 0
    refused: int = 0
    broken: int = 0
    seconds: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    latencies_s: list[float] = field(default_factory=list)


@dataclass(slots=True)
class ClientConnection:
    """One connection with one request in flight."""

    socket: socket.socket
    sent_s: float = 0.0
    pending: bytes = b""

    def send(self, request: bytes) -> None:
        """Send the next request."""
        self.pending = b""
        self.sent_s = time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> bytes | None:
        """Read on; return the answer once complete. Raises OSError if the connection breaks."""
        data = self.socket.recv(BUFFER_BYTES)
        if not data:
            raise ConnectionError("closed before the answer was complete")
        self.pending += data
        end = self.pending.find(_END)
        if end < 0:
            return None
        body_length = _LENGTH.search(self.pending, 0, end + 2)
        length = end + len(_END) + (int(body_length[1]) if body_length else 0)
        return self.pending if len(self.pending) >= length else None


def load(
    address: tuple[str, int],
    messages: Sequence[bytes],
    connections: int,
    warm_up_s: float,
    window_s: float,
) -> LoadResult:
    """Put load on an address, and count the answers within the window."""
    upcoming = itertools.cycle(messages)
    poll, by_number, result = select.epoll(), {}, LoadResult()
    for _ in range(connections):
        opened = _connected(address)
        by_number[opened.socket.fileno()] = opened
        poll.register(opened.socket, select.EPOLLIN)
        opened.send(next(upcoming))
    start_s = time.perf_counter() + warm_up_s
    while by_number and (now_s := time.perf_counter()) < start_s + window_s:
        for number, _ in poll.poll(0.1):
            if not _step(by_number[number], upcoming, result, counted=now_s >= start_s):
                by_number.pop(number).socket.close()
    result.seconds = time.perf_counter() - start_s
    for connection in by_number.values():
        connection.socket.close()
    return result


def _connected(address: tuple[str, int]) -> ClientConnection:
    connected = socket.create_connection(address, timeout=10.0)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return ClientConnection(connected)


def _step(
    connection: ClientConnection, upcoming: Iterator[bytes], result: LoadResult, *, counted: bool
) -> bool:
    """Receive on a connection, and send the next request; return False once it is broken."""
    try:
        answer = connection.receive()
        if answer is None:
            return True
        if counted:
            _count(result, answer, time.perf_counter() - connection.sent_s)
        connection.send(next(upcoming))
    except OSError:
        result.broken += 1
        return False
    return True


def _count(result: LoadResult, answer: bytes, took_s: float) -> None:
    result.latencies_s.append(took_s)
    if answer.startswith(b"HTTP/1.1 2"):
        result.acknowledged += 1
    else:
        result.refused += 1


def summary(result: LoadResult) -> dict[str, float]:
    """Return the result for printing: with percentiles instead of single latencies."""
    latencies_s = result.latencies_s or [0.0]
    result.p50_ms = percentile(latencies_s, 0.5) * 1000
    result.p99_ms = percentile(latencies_s, 0.99) * 1000
    return {name: value for name, value in asdict(result).items() if name != "latencies_s"}


if __name__ == "__main__":
    host, port, file, connections, warm_up, window = sys.argv[1:]
    messages = [request.message(f"{host}:{port}") for request in read(Path(file))]
    times = float(warm_up), float(window)
    counted = load((host, int(port)), messages, int(connections), *times)
    sys.stdout.write(json.dumps(summary(counted)) + "\n")
