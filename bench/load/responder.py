"""The responder: answers every HTTP request immediately in the same way; never the bottleneck.

python -m bench.load.responder PORT [STALL_AT]

It is a loop around epoll, because asyncio's transports would cost more than the requests. With
STALL_AT it stalls once: it answers the request with that number, and all that arrive in the second
after it, at the end of that second.
"""

import re
import select
import socket
import sys
import time

_ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 17\r\n"
    b"Connection: keep-alive\r\n\r\nSword Purchased!\n"
)
_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


STALL_S = 1.0


class Stall:
    """Counts requests, and blocks the whole program at one of them."""

    def __init__(self, at: int | None) -> None:
        self._left = at

    def count(self) -> None:
        """Count a request."""
        if self._left is not None:
            self._left -= 1
            if self._left == 0:
                time.sleep(STALL_S)


class ServerConnection:
    """One connection; it answers each request once head and body are complete."""

    def __init__(self, connected: socket.socket, stall: Stall) -> None:
        self._socket, self._stall = connected, stall
        self._pending = b""

    def answer(self) -> bool:
        """Answer complete requests, keep the rest; return False once the client is gone."""
        try:
            data = self._socket.recv(65536)
            self._pending += data
            while (length := self._request_length()) is not None:
                self._pending = self._pending[length:]
                self._stall.count()
                self._socket.sendall(_ANSWER)
        except OSError:
            data = b""
        if not data:
            self._socket.close()
        return bool(data)

    def _request_length(self) -> int | None:
        """The length of the first request; None if it is incomplete."""
        end = self._pending.find(_END)
        if end < 0:
            return None
        body_length = _LENGTH.search(self._pending, 0, end + 2)
        length = end + len(_END) + (int(body_length[1]) if body_length else 0)
        return length if len(self._pending) >= length else None


def serve(port: int, stall: Stall) -> None:
    """Serve on loopback until the process ends."""
    listener = socket.create_server(("127.0.0.1", port), backlog=4096)
    poll, connections = select.epoll(), dict[int, ServerConnection]()
    poll.register(listener, select.EPOLLIN)
    while True:
        for number, _ in poll.poll():
            if number == listener.fileno():
                connected, _ = listener.accept()
                connections[connected.fileno()] = ServerConnection(connected, stall)
                poll.register(connected, select.EPOLLIN)
            elif not connections[number].answer():
                del connections[number]


if __name__ == "__main__":
    stall_at = int(sys.argv[2]) if len(sys.argv) > 2 else None  # noqa: PLR2004
    serve(int(sys.argv[1]), Stall(stall_at))
