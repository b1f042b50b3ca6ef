"""The load: keeps connections busy with one request each, and counts what comes back.

    python -m bench.service.http_load HOST PORT FILE CONNECTIONS WARM_UP_S WINDOW_S

FILE lists the requests, which the connections take turns in (see `asks.py`).

It stands in for wrk where there is none: raw sockets, one thread, the next request as soon as the
answer to the last one is whole. It prints JSON: the answers of the window by kind, and percentiles.
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
    """What was answered: `acknowledged` are 2xx, `refused` all other statuses."""

    acknowledged: int = 0
    refused: int = 0
    broken: int = 0
    seconds: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    latencies_s: list[float] = field(default_factory=list)


@dataclass(slots=True)
class ClientConnection:
    """One connection with one request under way."""

    socket: socket.socket
    sent_s: float = 0.0
    pending: bytes = b""

    def ask(self, request: bytes) -> None:
        """Send the next request."""
        self.pending = b""
        self.sent_s = time.perf_counter()
        self.socket.sendall(request)

    def answer(self) -> bytes | None:
        """Read on; return the answer once it is whole. ConnectionError where it broke off."""
        data = self.socket.recv(BUFFER_BYTES)
        if not data:
            raise ConnectionError("closed before the answer was whole")
        self.pending += data
        end = self.pending.find(_END)
        if end < 0:
            return None
        length = _LENGTH.search(self.pending, 0, end + 2)
        whole = end + len(_END) + (int(length[1]) if length else 0)
        return self.pending if len(self.pending) >= whole else None


def load(
    address: tuple[str, int],
    messages: Sequence[bytes],
    connections: int,
    warm_up_s: float,
    window_s: float,
) -> LoadResult:
    """Put load on an address, and count what is answered within the window."""
    following = itertools.cycle(messages)
    poll, by_number, tally = select.epoll(), {}, LoadResult()
    for _ in range(connections):
        made = _connected(address)
        by_number[made.socket.fileno()] = made
        poll.register(made.socket, select.EPOLLIN)
        made.ask(next(following))
    start_s = time.perf_counter() + warm_up_s
    while by_number and (now_s := time.perf_counter()) < start_s + window_s:
        for number, _ in poll.poll(0.1):
            if not _step(by_number[number], following, tally, counted=now_s >= start_s):
                by_number.pop(number).socket.close()
    tally.seconds = time.perf_counter() - start_s
    for each in by_number.values():
        each.socket.close()
    return tally


def _connected(address: tuple[str, int]) -> ClientConnection:
    made = socket.create_connection(address, timeout=10.0)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return ClientConnection(made)


def _step(
    connection: ClientConnection, following: Iterator[bytes], tally: LoadResult, *, counted: bool
) -> bool:
    """Take what has come on a connection; False where it is of no more use."""
    try:
        answer = connection.answer()
        if answer is None:
            return True
        if counted:
            _count(tally, answer, time.perf_counter() - connection.sent_s)
        connection.ask(next(following))
    except OSError:
        tally.broken += 1
        return False
    return True


def _count(tally: LoadResult, answer: bytes, took_s: float) -> None:
    tally.latencies_s.append(took_s)
    if answer.startswith(b"HTTP/1.1 2"):
        tally.acknowledged += 1
    else:
        tally.refused += 1


def summed_up(tally: LoadResult) -> dict[str, float]:
    """Give the tally as it is printed: percentiles instead of single latencies."""
    latencies_s = tally.latencies_s or [0.0]
    tally.p50_ms = percentile(latencies_s, 0.5) * 1000
    tally.p99_ms = percentile(latencies_s, 0.99) * 1000
    return {name: value for name, value in asdict(tally).items() if name != "latencies_s"}


if __name__ == "__main__":
    host, port, file, connections, warm_up, window = sys.argv[1:]
    messages = [each.message(f"{host}:{port}") for each in read(Path(file))]
    times = float(warm_up), float(window)
    counted = load((host, int(port)), messages, int(connections), *times)
    sys.stdout.write(json.dumps(summed_up(counted)) + "\n")
